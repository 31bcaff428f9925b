# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest
from benchmark_records import make_record, save

from mmseg_da.benchmark.rows import read_rows, target_of
from mmseg_da.benchmark.spread import Spread, spread_of


def test_spread_is_mean_and_sample_deviation():
    spread = Spread([1, 2, 6])
    assert spread == 3.0
    # Squared distances 4, 1, 9 over n - 1 = 2.
    assert spread.std == pytest.approx(7**0.5)
    assert spread.span == 5.0
    assert f'{spread:.1f}' == '3.0 ± 2.6'


def test_one_value_has_no_deviation():
    assert Spread([2.5]).std is None
    assert f'{Spread([2.5]):.1f}' == '2.5'


@pytest.mark.parametrize('values', [[], [1.0, None]])
def test_mean_of_incomplete_values_is_none(values):
    assert spread_of(values) is None


def test_rows_are_ordered_and_seeds_ascend(records):
    rows = read_rows(records)['swg2swc']
    assert [row.name for row in rows] == ['source-only', 'adabn', 'oracle']
    assert [list(row.records) for row in rows] == [[0, 1, 2]] * 3


@pytest.mark.parametrize(
    ('direction', 'target'),
    [('swg2swc', 'swc'), ('gta2cs', 'cs'), ('cs-10pct', 'cs'), ('cs', 'cs')],
)
def test_target_of_a_direction(direction, target):
    assert target_of(direction) == target


def test_an_oracle_joins_every_direction_to_its_target(tmp_path):
    for recipe in ('source-only_gta2cs', 'dada_syn2cs', 'oracle_cs'):
        save(tmp_path, make_record(recipe))
    save(tmp_path, make_record('oracle_camvid'))
    rows = read_rows(tmp_path)
    assert {d: [row.name for row in r] for d, r in rows.items()} == {
        'camvid': ['oracle'],
        'gta2cs': ['source-only', 'oracle'],
        'syn2cs': ['dada', 'oracle'],
    }


def test_names_tell_rows_of_one_method_apart(tmp_path):
    save(tmp_path, make_record('sac_gta2cs'), 'a')
    save(tmp_path, make_record('sac_gta2cs', predict_on='teacher'), 'b')
    save(tmp_path, make_record('sac_gta2cs_vgg16'), 'c')
    names = {row.name for row in read_rows(tmp_path)['gta2cs']}
    assert names == {'sac (segmentor)', 'sac (teacher)', 'sac (vgg16)'}


def test_repeated_runs_are_no_part_of_the_mean(tmp_path):
    save(tmp_path, make_record('adabn_swg2swc', 0, 40))
    save(tmp_path, make_record('adabn_swg2swc', 0, 90, repeat=1))
    (row,) = read_rows(tmp_path)['swg2swc']
    assert row.miou() == [30.0]
    assert len(row.repeats[0]) == 1


def test_two_records_of_one_run_are_refused_by_name(tmp_path):
    first = save(tmp_path, make_record('adabn_swg2swc', 0, 40), 'first')
    second = save(tmp_path, make_record('adabn_swg2swc', 0, 42), 'second')
    message = 'two records of one run .adabn_swg2swc, stage test, seed 0'
    with pytest.raises(ValueError, match=message) as error:
        read_rows(tmp_path)
    assert str(first) in str(error.value)
    assert str(second) in str(error.value)


def test_an_exact_copy_counts_once_and_is_named(tmp_path):
    record = make_record('adabn_swg2swc')
    save(tmp_path, record, 'first')
    save(tmp_path, record, 'second')
    notes = []
    (row,) = read_rows(tmp_path, notes)['swg2swc']
    assert len(row.records) == 1
    assert notes == ['second.json is a copy of first.json and counts once']


def test_a_record_of_another_schema_version_is_refused(tmp_path):
    path = save(tmp_path, make_record('adabn_swg2swc'))
    content = json.loads(path.read_text())
    content['schema_version'] = 99
    path.write_text(json.dumps(content))
    message = f'{re.escape(str(path))}: record of schema version 99'
    with pytest.raises(ValueError, match=message):
        read_rows(tmp_path)


def test_an_empty_folder_says_how_to_fill_it(tmp_path):
    with pytest.raises(FileNotFoundError, match='benchmark.py run` makes'):
        read_rows(tmp_path)
