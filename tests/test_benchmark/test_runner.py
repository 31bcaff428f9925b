# SPDX-License-Identifier: Apache-2.0
"""What stands between the grid and the recipes."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmark_records import make_record, save
from rich.console import Console

from mmseg_da.benchmark import runner
from mmseg_da.benchmark.grid import Cell, GridResult
from mmseg_da.recipes import RecipeError, RunSettings

# Writes into --out what tools/test.py would, and its arguments.
PREDICT = """
import json, pathlib, sys
options = dict(a.split('=', 1) for a in sys.argv[1:] if '=' in a)
out = pathlib.Path(options['--out'])
out.mkdir()
(out / 'arguments.json').write_text(json.dumps(sys.argv[1:]))
(out / 'predictions.json').write_text('{"classes": ["road"]}')
"""


def fake_stage(folder, finished=True):
    folder.mkdir(exist_ok=True)
    return SimpleNamespace(
        spec=SimpleNamespace(name='test', config=Path('config.py')),
        folder=SimpleNamespace(
            path=folder,
            work_dir=folder / 'work',
            result=lambda: 'result' if finished else None,
        ),
    )


@pytest.fixture
def settings(tmp_path):
    return RunSettings(work_root=tmp_path / 'work')


def test_cells_that_fail_do_not_stop_the_others(
    settings, tmp_path, monkeypatch
):
    def plan(recipe, seed, settings, repeat):
        if recipe == 'unplanned':
            raise FileNotFoundError('data/x: no such folder')
        stage = fake_stage(tmp_path / recipe, finished=recipe == 'good')
        return SimpleNamespace(tests=[stage])

    def run(plans, settings, console):
        assert len(plans) == 2
        (settings.work_root / 'r.json').touch()
        raise RecipeError("stage 'train' failed")

    monkeypatch.setattr(runner, 'load_recipe', lambda name: name)
    monkeypatch.setattr(runner, 'plan_recipe', plan)
    monkeypatch.setattr(runner, 'run_recipes', run)
    monkeypatch.setattr(
        runner, 'record_path', lambda root, plan, stage: root / 'r.json'
    )
    cells = [Cell(name, 0) for name in ('good', 'bad', 'unplanned')]
    result = runner.run_cells(cells, settings, Console())
    assert result.records == {cells[0]: [tmp_path / 'work/r.json']}
    assert result.failures == {
        cells[1]: 'a stage failed, see above',
        cells[2]: 'data/x: no such folder',
    }
    assert result.failure_lines()[0] == "stage 'train' failed"


def test_a_folder_of_something_else_is_no_work_root(settings):
    settings.work_root.mkdir()
    (settings.work_root / 'thesis.tex').touch()
    with pytest.raises(ValueError, match=r"holds 'thesis\.tex'"):
        runner.run_cells([], settings, Console())


def test_a_failed_cell_leaves_no_superseded_record(tmp_path, monkeypatch):
    retired = []
    monkeypatch.setattr(
        runner, 'retire_records', lambda *args: retired.append(args)
    )
    good, bad = Cell('good', 0), Cell('bad', 0)
    source = tmp_path / 'r.json'
    source.write_text('{}')
    result = GridResult(
        plans={good: 'plan 1', bad: 'plan 2'},
        records={good: [source]},
        failures={bad: 'a stage failed', Cell('unplanned', 0): 'no data'},
    )
    folder = tmp_path / 'results'
    assert runner.publish_records(result, folder) == [folder / 'r.json']
    assert retired == [(folder, 'plan 1'), (folder, 'plan 2')]


def make_result(tmp_path, script, monkeypatch):
    """A finished cell whose test runs a script."""
    command = [sys.executable, '-c', script, '--json=j', '--work-dir=w']
    monkeypatch.setattr(runner, 'stage_command', lambda *a: [*command])
    monkeypatch.setattr(runner, 'stage_environment', lambda *a: {})
    monkeypatch.setattr(runner, 'stage_config', lambda stage: 'config')
    save(tmp_path / 'records', make_record('adabn_swg2swc', 0))
    stage = fake_stage(tmp_path / 'stage')
    plan = SimpleNamespace(tests=[stage])
    return GridResult(plans={Cell('adabn_swg2swc', 0): plan}), stage


def test_a_few_test_images_are_predicted_once(settings, tmp_path, monkeypatch):
    collected = []
    monkeypatch.setattr(
        runner, 'collect_panels', lambda *args: collected.append(args)
    )
    save(tmp_path / 'records', make_record('other_swg2swc', 0))
    result, stage = make_result(tmp_path, PREDICT, monkeypatch)
    for _ in range(2):
        assert not runner.make_pictures(
            result, settings, tmp_path / 'records', ['swg2swc']
        )
    out = stage.folder.path / 'pictures5'
    arguments = json.loads((out / 'arguments.json').read_text())
    # Five of the 60 images, in the middle of equal parts.
    assert arguments[-1] == 'test_dataloader.dataset.indices=[6,18,30,42,54]'
    assert '--format-only' in arguments
    assert '--json=j' not in arguments
    panels = tmp_path / 'records/panels/swg2swc'
    # The other row did not run: its pictures stay.
    assert collected == [(panels, 'config', {'adabn': out}, {'other'})] * 2


def test_pictures_that_cannot_be_collected_are_told(
    settings, tmp_path, monkeypatch
):
    def fail(*args):
        raise FileNotFoundError('data/x: no such folder')

    monkeypatch.setattr(runner, 'collect_panels', fail)
    result, _ = make_result(tmp_path, PREDICT, monkeypatch)
    (problem,) = runner.make_pictures(
        result, settings, tmp_path / 'records', ['swg2swc']
    )
    assert problem == 'no pictures of swg2swc: data/x: no such folder'


def test_failed_pictures_are_told(settings, tmp_path, monkeypatch):
    script = 'import sys; print("no memory"); sys.exit(3)'
    result, _ = make_result(tmp_path, script, monkeypatch)
    (problem,) = runner.make_pictures(
        result, settings, tmp_path / 'records', ['swg2swc']
    )
    assert problem == 'no pictures of adabn: exit code 3\nno memory'
