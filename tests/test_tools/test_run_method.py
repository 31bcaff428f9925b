# SPDX-License-Identifier: Apache-2.0
"""tools/run_method.py: options, messages, exit codes; one real recipe."""

import os
import signal
import subprocess
import sys
import time

import contract
import pytest
from fake_stages import Workshop
from tool_calls import load

from mmseg_da.evaluation.records import read_record


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    return Workshop(tmp_path, monkeypatch)


def call(*argv):
    return load('run_method').main([*map(str, argv)])


def test_plan_then_run_then_skip(workshop, capsys):
    config = workshop.config()
    arguments = [config, '--seeds', '0,1', '--work-root', workshop.root]
    assert call(*arguments, '--dry-run') == 0
    assert capsys.readouterr().out.count('never run') == 4
    assert not workshop.root.exists()
    assert call(*arguments) == 0
    out = capsys.readouterr().out
    assert f'record: {workshop.root}/records/net_a2b_seed1.json' in out
    assert call(*arguments, '--dry-run') == 0
    assert capsys.readouterr().out.count('finished') == 4


def test_a_failed_stage_gives_code_one(workshop, capsys):
    config = workshop.config(broken='no luck')
    assert call(config, '--work-root', workshop.root) == 1
    error = capsys.readouterr().err
    assert '| broken: no luck' in error and 'goes on from here' in error


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['orakle_swc'], 'nearest: oracle_swc'),
        (['oracle_swc', '--seeds', '0,x'], "--seeds '0,x': give different"),
        (['oracle_swc', '--seeds', '1,1'], "--seeds '1,1': give different"),
        (['oracle_swc', '--gpus', '0'], '--gpus 0: give at least 1'),
        (['oracle_swc', '--parallel', '0'], '--parallel 0: give at least 1'),
        (['oracle_swc', '--launcher', 'slurm'], 'SLURM_NTASKS is not set'),
    ],
)
def test_wrong_options(arguments, message, tmp_path, monkeypatch):
    monkeypatch.delenv('SLURM_NTASKS', raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        call(*arguments)
    assert not list(tmp_path.iterdir())


def test_missing_data_are_told_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv('STREET_WORLD_ROOT', str(tmp_path / 'nowhere'))
    with pytest.raises(FileNotFoundError, match=r'nowhere.* does not exist'):
        call('oracle_swc', '--work-root', tmp_path / 'root')


def small(street_world, folder, name, iters=4):
    """A config of the suite as a small file."""
    path = contract.REPO / f'configs/methods/{name}.py'
    cfg = contract.small_config(path, street_world, folder, iters)
    for key in ('experiment_name', 'work_dir'):
        cfg.pop(key)
    cfg.default_hooks.checkpoint.interval = 2
    cfg.dump(folder / f'{name}.py')
    return folder / f'{name}.py'


def run_tool(*argv):
    """Start the tool; ``--ignore-code``: this tree may change meanwhile."""
    command = [sys.executable, contract.REPO / 'tools/run_method.py', *argv]
    return subprocess.Popen(
        [*map(str, command), '--ignore-code'],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_a_real_recipe_is_killed_and_goes_on(street_world, tmp_path):
    names = ('source-only_swg2swc', 'adabn_swg2swc')
    source, _ = (small(street_world, tmp_path, n, 8) for n in names)
    recipe = tmp_path / 'ada_swg2swc.py'
    stages = [
        dict(name='train', kind='train', config=source.name),
        dict(
            name='test', kind='test', config='adabn_swg2swc.py',
            checkpoint='train',
        ),
    ]  # fmt: skip
    recipe.write_text(f'stages = {stages!r}\n')
    found = {}
    for root in (tmp_path / 'whole', tmp_path / 'killed'):
        arguments = [source, recipe, '--work-root', root]
        if root.name == 'killed':
            victim = run_tool(*arguments)
            while not list(root.glob('stages/train*/work/iter_4.pth')):
                assert victim.poll() is None, victim.communicate()[0]
                time.sleep(0.05)
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
        process = run_tool(*arguments)
        output = process.communicate(timeout=300)[0]
        assert process.returncode == 0, output
        for path in sorted((root / 'records').glob('*.json')):
            record = read_record(path)
            found.setdefault(path.name, []).append(record)
    assert len(found) == 2
    for whole, killed in found.values():
        assert whole.scores == killed.scores
        assert whole.protocol == killed.protocol
        keys = [[s.key for s in r.cost.stages] for r in (whole, killed)]
        assert keys[0] == keys[1]
