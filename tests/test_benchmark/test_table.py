# SPDX-License-Identifier: Apache-2.0
import dataclasses
import shutil

import pytest
from benchmark_records import PROTOCOL, make_record, save

from mmseg_da.benchmark.table import peak_mib


def lines(benchmark, direction='swg2swc'):
    table = benchmark.tables[direction].table
    return {row['name']: row for row in table.rows}


def test_mean_deviation_and_gap_closed_by_hand(records, load):
    rows = lines(load(records))
    # AdaBN: 34, 36, 38 between 30 and 50.
    assert rows['adabn']['mIoU'] == pytest.approx(36.0)
    assert rows['adabn']['mIoU'].std == pytest.approx(2.0)
    assert rows['adabn']['mIoU2'] == pytest.approx(46.0)
    assert rows['adabn']['mIoU2'].std == pytest.approx(1.0)
    assert rows['adabn']['gap_closed'] == pytest.approx(30.0)
    assert rows['source-only']['gap_closed'] == 0.0
    assert rows['oracle']['gap_closed'] == 100.0
    assert rows['adabn']['IoU.sky'] == pytest.approx(26.0)
    assert rows['adabn']['n'] == 3


def test_cost_columns_by_hand(tmp_path, load):
    record = make_record('adabn_swg2swc', minutes=2.0)
    cost = dataclasses.replace(record.cost, preparation_seconds=30.0)
    save(tmp_path / 'r', record.replace(cost=cost))
    save(tmp_path / 'r', make_record('adabn_swg2swc', 1, minutes=3.0))
    row = lines(load(tmp_path / 'r'))['adabn']
    assert row['train_minutes'] == pytest.approx((2.5 + 3.0) / 2)
    assert row['images_per_second'] == 20.0
    assert row['peak_mib'] == 700.0


@pytest.mark.parametrize(
    ('cuda', 'expected'), [(None, 9000.0), (500.0, 700.0), (800.0, 800.0)]
)
def test_memory_of_processes_and_gpus_is_not_mixed(cuda, expected):
    record = make_record('adabn_swg2swc')
    train, test = record.cost.stages  # 700 MiB and 300 MiB
    stages = (
        train,
        dataclasses.replace(train, kind='artifact', peak_mib=9000.0),
        dataclasses.replace(test, peak_mib=99_000.0),
    )
    cost = dataclasses.replace(record.cost, peak_cuda_mib=cuda, stages=stages)
    assert peak_mib(record.replace(cost=cost)) == expected


def test_times_that_were_not_measured_stay_empty(tmp_path, load):
    record = make_record('adabn_swg2swc')
    cost = dataclasses.replace(record.cost, stages=())
    save(tmp_path / 'r', record.replace(cost=cost))
    row = lines(load(tmp_path / 'r'))['adabn']
    assert row['train_minutes'] is None
    assert row['peak_mib'] == 400.0


def test_no_gap_without_oracle_or_with_one_below_the_floor(tmp_path, load):
    folder = tmp_path / 'r'
    save(folder, make_record('source-only_swg2swc', street=40))
    save(folder, make_record('adabn_swg2swc', street=44))
    assert lines(load(folder))['adabn']['gap_closed'] is None
    save(folder, make_record('oracle_swc', street=30))
    assert lines(load(folder))['adabn']['gap_closed'] is None


def test_methods_are_ranked_between_floor_and_oracle(tmp_path, load):
    folder = tmp_path / 'r'
    for recipe, street in (
        ('source-only_swg2swc', 40),
        ('weak_swg2swc', 30),
        ('strong_swg2swc', 70),
        ('oracle_swc', 60),
    ):
        save(folder, make_record(recipe, street=street))
    benchmark = load(folder)
    names = ['source-only', 'strong', 'weak', 'oracle']
    assert list(lines(benchmark)) == names
    assert benchmark.tables['swg2swc'].ranked == ('strong', 'weak')


def test_missing_seeds_are_named(records, load):
    (records / 'adabn_swg2swc_seed1.json').unlink()
    table = load(records).tables['swg2swc']
    assert 'adabn: seed 1 is missing.' in table.notes
    table = load(records, seeds=[0, 2, 7, 8]).tables['swg2swc']
    assert 'oracle: seeds 7, 8 are missing.' in table.notes


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        ({'evaluation_size': (512, 256)}, r'evaluation_size is \[512, 256\]'),
        ({'interpolation': 'nearest'}, 'interpolation is nearest instead of'),
        ({'class_view': 'vistas7'}, 'class_view is vistas7'),
        ({'data_sha256': 'e' * 64}, 'data_sha256 is eeeeeeeeeeee instead of'),
        ({'tta': True}, 'tta is True instead of False'),
    ],
)
def test_rows_of_another_protocol_are_refused(records, load, changes, text):
    protocol = dataclasses.replace(PROTOCOL, **changes)
    for seed in range(3):
        save(records, make_record('adabn_swg2swc', seed, protocol=protocol))
    with pytest.raises(ValueError, match=f'adabn: .*{text}') as error:
        load(records)
    assert '--allow-mixed-protocols' in str(error.value)


def test_rows_of_another_protocol_are_marked_when_asked(records, load):
    protocol = dataclasses.replace(PROTOCOL, tta=True)
    for seed in range(3):
        save(records, make_record('adabn_swg2swc', seed, protocol=protocol))
    table = load(records, allow_mixed=True).tables['swg2swc']
    assert table.ranked == ()
    row = lines(load(records, allow_mixed=True))['adabn ‡']
    assert row['gap_closed'] is None
    assert table.notes[0].startswith('adabn ‡ was evaluated differently')


def test_one_seed_of_another_protocol_is_found(records, load):
    protocol = dataclasses.replace(PROTOCOL, images=59)
    save(records, make_record('adabn_swg2swc', 1, protocol=protocol))
    with pytest.raises(ValueError, match='images is 60 / 59 instead of 60'):
        load(records)


def test_best_and_last_checkpoints_are_not_ranked_together(records, load):
    for seed in range(3):
        best = make_record('sac_swg2swc', seed, selection='best')
        save(records, best)
    with pytest.raises(ValueError, match='selection is best instead of last'):
        load(records)
    table = load(records, allow_mixed=True).tables['swg2swc']
    assert any('chosen by target labels' in note for note in table.notes)


def test_seeds_of_different_training_data_are_found(records, load):
    record = make_record('adabn_swg2swc', 1)
    data = {**record.data, 'train': 'b' * 64}
    save(records, record.replace(data=data))
    with pytest.raises(ValueError, match='made from different data'):
        load(records)


def test_what_makes_rows_doubtful_is_noted(records, load):
    record = make_record('adabn_swg2swc', 1)
    code = dataclasses.replace(record.code, ignored=True)
    config = dataclasses.replace(record.config, sha256='c' * 64)
    save(records, record.replace(code=code, config=config))
    notes = load(records).tables['swg2swc'].notes
    assert 'adabn: made with --ignore-code.' in notes
    assert 'adabn: its seeds come from different configs.' in notes


def test_rows_of_different_code_are_noted(records, load):
    text = 'The records come from different revisions of the package'
    notes = load(records).tables['swg2swc'].notes
    assert not any(note.startswith(text) for note in notes)
    for seed in range(3):
        record = make_record('adabn_swg2swc', seed)
        code = dataclasses.replace(record.code, sha256='c' * 64)
        save(records, record.replace(code=code))
    notes = load(records).tables['swg2swc'].notes
    assert any(note.startswith(text) for note in notes)


def test_costs_of_different_machines_are_noted(records, load):
    text = 'The records were made on different machines: compare no costs.'
    assert text not in load(records).tables['swg2swc'].notes
    record = make_record('adabn_swg2swc', 2)
    save(records, record.replace(machine={'cpu': 'y', 'cores': 2}))
    assert text in load(records).tables['swg2swc'].notes


def test_the_table_needs_the_records_alone(records, load, tmp_path):
    before = load(records)
    moved = tmp_path / 'elsewhere' / 'copy'
    shutil.copytree(records, moved)
    shutil.rmtree(records)
    after = load(moved)
    for kind in ('text', 'md', 'csv', 'latex', 'html'):
        assert getattr(after, kind)() == getattr(before, kind)()


def test_directions_can_be_chosen(records, load):
    save(records, make_record('source-only_swg2camvid'))
    assert list(load(records).tables) == ['swg2camvid', 'swg2swc']
    chosen = load(records, directions=['swg2swc'])
    assert list(chosen.tables) == ['swg2swc']
    with pytest.raises(ValueError, match="no record of direction 'gta2cs'"):
        load(records, directions=['gta2cs'])
