# SPDX-License-Identifier: Apache-2.0
"""eval_snapshots and test_ensemble on the tiny Cityscapes frames."""

import json
import os
import shutil

import pytest
import torch
from mmengine.config import Config
from tool_calls import call, train_tiny

from mmseg_da.evaluation.records import read_record
from mmseg_da.evaluation.snapshots import (
    best_iteration,
    evaluate_snapshots,
    expected_iterations,
    find_snapshots,
)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('snapshots')
    return train_tiny(folder)


def other_weights(checkpoint, path, seed):
    content = torch.load(checkpoint, weights_only=False)
    generator = torch.Generator().manual_seed(seed)
    weight = content['state_dict']['decode_head.conv_seg.weight']
    weight.copy_(torch.randn(weight.shape, generator=generator))
    torch.save(content, path)
    return path


@pytest.fixture
def work_dir(trained, tmp_path):
    _, _, checkpoint = trained
    folder = tmp_path / 'run'
    folder.mkdir()
    for number, seed in ((2, 1), (4, 2), (10, 3)):
        other_weights(checkpoint, folder / f'iter_{number}.pth', seed)
    return folder


def test_oracle_20_best_after_rounding_and_the_earliest_of_equals():
    scores = dict(enumerate((44.65, 44.61, 48.021, 48.024), 1))
    assert best_iteration(scores) == 3
    assert best_iteration({1: None, 2: float('nan'), 3: 0.0}) == 3
    with pytest.raises(ValueError, match='no snapshot has a score among 1'):
        best_iteration({1: None})


def test_best_and_last_with_records(
    load_tool, trained, work_dir, capsys, tmp_path
):
    config, _, _ = trained
    tool = load_tool('misc/eval_snapshots')
    options = ['--cfg-options', 'train_cfg.max_iters=12']
    argv = [str(config), str(work_dir), *options]
    assert tool.main(argv) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    rows = [line.split() for line in lines if line.startswith('iter_')]
    assert [row[0] for row in rows] == [
        'iter_2.pth',
        'iter_4.pth',
        'iter_10.pth',
    ]
    assert '3 snapshots are missing' in text and ': 6, 8, 12' in text
    assert 'chosen by target labels, out of 3 snapshots' in text
    scores = {row[0]: float(row[2]) for row in rows}
    assert len(set(scores.values())) > 1
    best = max(scores, key=scores.get)
    folder = work_dir / 'snapshot_records'
    for selection, name in (('best', best), ('last', 'iter_10.pth')):
        record = read_record(folder / f'tiny_cs_seed3_{selection}.json')
        assert record.selection == selection
        assert record.checkpoint.name == name
        assert record.scores.miou['mIoU'] == pytest.approx(
            scores[name], abs=0.006
        )
        assert record.chosen_on_target_labels == (selection == 'best')


def test_unchanged_snapshots_are_not_tested_again(work_dir):
    tested = []

    def test(path):
        tested.append(path.name)
        return {'mIoU': float(len(tested))}, None

    names = [path.name for path in find_snapshots(work_dir).values()]
    evaluate_snapshots(work_dir, test, 'a')
    assert tested == names == ['iter_2.pth', 'iter_4.pth', 'iter_10.pth']
    again = evaluate_snapshots(work_dir, test, 'a')
    assert tested == names and all(row.cached for row in again.rows)
    changed = work_dir / 'iter_4.pth'
    os.utime(changed, ns=(1, 1))
    assert evaluate_snapshots(work_dir, test, 'a').best.iteration == 4
    assert tested == [*names, 'iter_4.pth']
    (work_dir / 'iter_2.pth').write_bytes(b'longer or shorter')
    evaluate_snapshots(work_dir, test, 'a')
    assert tested[4:] == ['iter_2.pth']
    evaluate_snapshots(work_dir, test, 'another config')
    assert tested[5:] == names
    (work_dir / 'snapshots.json').write_text('{"half')
    evaluate_snapshots(work_dir, test, 'a')
    assert tested[8:] == names


def test_an_interrupted_search_goes_on(work_dir):
    def test(path):
        if path.name == 'iter_10.pth':
            raise KeyboardInterrupt
        return {'mIoU': 1.0}, None

    with pytest.raises(KeyboardInterrupt):
        evaluate_snapshots(work_dir, test, 'a')
    rows = evaluate_snapshots(
        work_dir, lambda path: ({'mIoU': 2.0}, None), 'a'
    ).rows
    assert [row.cached for row in rows] == [True, True, False]


def test_expected_iterations():
    hook = dict(by_epoch=False, interval=4)
    cfg = Config(
        dict(train_cfg=dict(max_iters=10), default_hooks=dict(checkpoint=hook))
    )
    assert expected_iterations(cfg) == [4, 8, 10]
    hook['save_last'] = False
    cfg.default_hooks.checkpoint = hook
    assert expected_iterations(cfg) == [4, 8]
    assert expected_iterations(Config(dict(model={}))) == []


def test_snapshot_errors(load_tool, trained, tmp_path, work_dir):
    config, _, _ = trained
    tool = load_tool('misc/eval_snapshots')
    with pytest.raises(FileNotFoundError, match='work directory .*no folder'):
        tool.main([str(config), str(tmp_path / 'none')])
    empty = tmp_path / 'empty'
    empty.mkdir()
    shutil.copy(work_dir / 'iter_2.pth', empty / 'best_mIoU_iter_2.pth')
    with pytest.raises(FileNotFoundError, match='no snapshot iter_<n>.pth'):
        tool.main([str(config), str(empty)])
    with pytest.raises(ValueError, match=r"--metric 'mIoU99'.*'mIoU'"):
        evaluate_snapshots(
            work_dir, lambda path: ({'mIoU': 1.0}, None), 'a', 'mIoU99'
        )


def test_ensemble_tool(load_tool, trained, tmp_path, capsys):
    config, work_dir, checkpoint = trained
    one = other_weights(checkpoint, tmp_path / 'one.pth', 1)
    two = other_weights(checkpoint, tmp_path / 'two.pth', 2)
    tool = load_tool('misc/test_ensemble')

    def run(*argv):
        out = tmp_path / 'scores.json'
        common = ['--work-dir', tmp_path / 'logs', '--json', out]
        assert tool.main([str(x) for x in (config, *argv, *common)]) == 0
        return json.loads(out.read_text())

    alone = run(one)
    twice = run(one, one, '--weights', 0.5, 0.5)
    assert twice['metrics'] == pytest.approx(alone['metrics'])
    both = run(one, two, '--weights', 0.5, 0.5, '--configs', config, config)
    assert both['metrics'] != alone['metrics']
    member = both['members'][1]
    assert member['config'] == 'tiny_cs' and member['checkpoint'] == 'two.pth'
    assert member['weight'] == 0.5 and len(member['sha256']) == 64
    record = tmp_path / 'record.json'
    assert (
        call('test', config, one, '--work-dir', work_dir, '--json', record)
        == 0
    )
    expected = json.loads(record.read_text())['scores']['metrics']
    assert alone['metrics'] == pytest.approx(expected)


def test_ensemble_errors(load_tool, trained, tmp_path):
    config, _, checkpoint = trained
    tool = load_tool('misc/test_ensemble')
    argv = [str(config), str(checkpoint), str(checkpoint)]
    with pytest.raises(ValueError, match='--weights: 1 given for 2'):
        tool.main([*argv, '--weights', '1'])
    text = config.read_text()
    other = tmp_path / 'other.py'
    other.write_text(
        text.replace(
            "dict(type='LoadRawLabels'),",
            "dict(type='LoadRawLabels'), dict(type='Resize', scale=(8, 8)),",
            1,
        )
    )
    with pytest.raises(ValueError, match=r'step 2 of the test pipeline'):
        tool.main([*argv, '--configs', str(config), str(other)])
    hooked = tmp_path / 'hooked.py'
    hooked.write_text(text + "custom_hooks = [dict(type='TargetBNHook')]\n")
    with pytest.raises(ValueError, match='TargetBNHook replaces BatchNorm'):
        tool.main([*argv, '--configs', str(config), str(hooked)])
    content = torch.load(checkpoint, weights_only=False)
    del content['state_dict']['decode_head.conv_seg.bias']
    broken = tmp_path / 'broken.pth'
    torch.save(content, broken)
    with pytest.raises(
        ValueError, match=r'(?s)broken.pth.*1 missing in the check'
    ):
        tool.main([argv[0], str(broken), '--work-dir', str(tmp_path / 'logs')])


@pytest.mark.parametrize(
    ('kind', 'resize', 'expected'),
    [
        ('OneStepEncoderDecoder', True, 'bilinear, one step'),
        ('OneStepEncoderDecoder', False, 'bilinear'),
        ('EncoderDecoder', True, 'bilinear'),
    ],
)
def test_records_tell_the_number_of_steps(
    trained, tmp_path, kind, resize, expected
):
    config, _, checkpoint = trained
    text = config.read_text().replace("'EncoderDecoder'", repr(kind))
    if resize:
        text = text.replace(
            "dict(type='LoadRawLabels'),",
            "dict(type='Resize', scale=(32, 16), keep_ratio=False),"
            "dict(type='LoadRawLabels'),",
            1,
        )
    changed = tmp_path / 'changed.py'
    changed.write_text(text)
    out = tmp_path / 'record.json'
    argv = (changed, checkpoint, '--work-dir', tmp_path / 'logs')
    assert call('test', *argv, '--json', out) == 0
    assert read_record(out).protocol.interpolation == expected
