# SPDX-License-Identifier: Apache-2.0
"""Running plans with fake tools: skip, share, resume, fail, refuse."""

import dataclasses
import json
import os
import shutil
from types import SimpleNamespace

import pytest
from fake_stages import INTERVAL, ITERS, checkpoint_of

from mmseg_da.evaluation.records import read_record
from mmseg_da.recipes import RecipeError, open_root, runner


def test_everything_runs_once_and_is_skipped_then(workshop):
    config = workshop.config()
    (path,) = workshop.run(config)
    assert path == workshop.root / 'records/net_a2b_seed0.json'
    assert workshop.output.count('✓') == 2
    plan = workshop.plan(config)
    assert workshop.steps(plan.stages[0]) == list(range(1, ITERS + 1))
    before = path.read_bytes()
    assert workshop.run(config) == [path]
    assert '✓' not in workshop.output
    assert path.read_bytes() == before


def test_record_tells_recipe_seed_and_costs(workshop):
    config = workshop.config()
    (path,) = workshop.run(config, seeds=[7])
    record = read_record(path)
    assert (record.recipe, record.method, record.direction) == (
        'net_a2b',
        'net',
        'a2b',
    )
    assert record.seed == 7
    assert [s.name for s in record.cost.stages] == ['train', 'test']
    assert [s.shared for s in record.cost.stages] == [False, False]
    assert record.cost.total_seconds > 0
    assert set(record.data) == {'train', 'test'}
    assert not record.code.ignored


def test_recipes_share_a_training(workshop):
    config = workshop.config()
    recipe = workshop.recipe(
        dict(name='first', kind='train', config='net_a2b.py'),
        dict(
            name='plain', kind='test', config='net_a2b.py',
            checkpoint='first',
        ),
        dict(
            name='flipped', kind='test', config='net_a2b.py',
            checkpoint='first', tta=True,
        ),
    )  # fmt: skip
    records = workshop.run(config, recipe)
    assert [path.name for path in records] == [
        'net_a2b_seed0.json',
        'both_a2b-plain_seed0.json',
        'both_a2b-flipped_seed0.json',
    ]
    assert workshop.output.count('✓') == 3  # train, test, test with flips
    assert len({checkpoint_of(path) for path in records}) == 1


def test_stages_run_side_by_side(workshop):
    config = workshop.config(pause=0.02)
    settings = dataclasses.replace(workshop.settings, parallel=2)
    records = workshop.run(config, seeds=[0, 1, 2], settings=settings)
    assert len({checkpoint_of(path) for path in records}) == 3
    lines = workshop.output.splitlines()
    assert 'started' in lines[0] and 'started' in lines[1]


def test_a_failure_names_log_and_keeps_the_rest(workshop):
    broken = workshop.config('bad_a2b', broken='no such GPU')
    good = workshop.config()
    with pytest.raises(RecipeError) as caught:
        workshop.run(broken, good)
    message = str(caught.value)
    assert "stage 'train' (train-bad_a2b-s0-" in message
    assert 'failed with exit code 1' in message
    assert '| broken: no such GPU' in message and 'log.txt' in message
    assert '1 stages that depend on them did not run' in message
    assert 'the same command goes on' in message
    assert (workshop.root / 'records/net_a2b_seed0.json').is_file()


def test_an_interrupted_training_goes_on(workshop):
    config = workshop.config()
    workshop.run(config)
    whole = checkpoint_of(workshop.root / 'records/net_a2b_seed0.json')
    train = workshop.plan(config).stages[0].folder
    # As a kill after iteration 7 would leave it.
    for name in ('finished.json', f'work/iter_{ITERS}.pth', 'work/iter_9.pth'):
        (train.path / name).unlink()
    last = train.work_dir / 'iter_6.pth'
    (train.work_dir / 'last_checkpoint').write_text(str(last))
    shutil.rmtree(workshop.root / 'records')
    for path in (workshop.root / 'stages').glob('test-*'):
        shutil.rmtree(path)
    plan = workshop.plan(config)
    assert plan.stages[0].action == 'resume'
    (path,) = workshop.run_plans([plan])
    assert workshop.steps(plan.stages[0])[ITERS:] == list(range(7, ITERS + 1))
    assert checkpoint_of(path) == whole


def test_two_runs_at_once_name_the_owner(workshop, monkeypatch):
    config = workshop.config()
    plan = workshop.plan(config)
    lock = plan.stages[0].folder.lock()
    monkeypatch.setattr(
        'mmseg_da.recipes.folders.StageLock',
        lambda path, what: type(lock)(path, what, wait=0.1),
    )
    with lock, pytest.raises(RecipeError) as caught:
        workshop.run(config)
    assert f'is in use by process {os.getpid()} on host' in str(caught.value)
    assert len(workshop.run(config)) == 1


def test_an_edited_checkpoint_is_never_used(workshop):
    config = workshop.config()
    workshop.run(config)
    plan = workshop.plan(config)
    weights = plan.stages[0].folder.work_dir / f'iter_{ITERS}.pth'
    content = bytearray(weights.read_bytes())
    content[5] ^= 1
    weights.write_bytes(content)  # the same size
    workshop.config('other_a2b', model={'width': 1, 'depth': 2})
    recipe = workshop.recipe(
        dict(name='train', kind='train', config='net_a2b.py'),
        dict(
            name='test', kind='test', config='other_a2b.py', checkpoint='train'
        ),
    )
    with pytest.raises(RecipeError) as caught:
        workshop.run(recipe)
    assert 'was edited (another SHA-256)' in str(caught.value)
    assert 'restore the file, or delete' in str(caught.value)
    shutil.rmtree(plan.stages[0].folder.path)
    assert len(workshop.run(recipe)) == 1


def test_a_deleted_checkpoint_is_made_again_when_needed(workshop):
    config = workshop.config()
    (record,) = workshop.run(config)
    plan = workshop.plan(config)
    weights = plan.stages[0].folder.work_dir / f'iter_{ITERS}.pth'
    weights.unlink()
    # The test is finished, so nobody needs the weights.
    assert workshop.actions(config) == {
        'train': 'not needed',
        'test': 'finished',
    }
    shutil.rmtree(plan.stages[1].folder.path)
    again = workshop.plan(config)
    assert again.stages[0].reason == f'work/iter_{ITERS}.pth was deleted'
    before = checkpoint_of(record)
    record.unlink()
    workshop.run_plans([again])
    assert checkpoint_of(record) == before
    assert 'damaged1: kept what was there' in workshop.output
    kept = plan.stages[0].folder.path.name + '.damaged1'
    assert (workshop.root / 'stages' / kept / 'log.txt').is_file()


def test_a_superseded_record_leaves_the_table(workshop):
    (record,) = workshop.run(workshop.config())
    old = json.loads(record.read_text())['cost']['stages'][-1]['key']
    config = workshop.config(model={'width': 2})
    workshop.run(config)
    assert json.loads(record.read_text())['cost']['stages'][-1]['key'] != old
    kept = record.parent / f'outdated/net_a2b_seed0-{old[:8]}.json'
    assert kept.is_file()


def test_a_superseded_record_leaves_even_if_the_new_run_fails(workshop):
    (record,) = workshop.run(workshop.config())
    with pytest.raises(RecipeError):
        workshop.run(workshop.config(model={'width': 2}, broken='x'))
    assert not record.exists()


def test_a_config_that_changes_meanwhile_is_noticed(workshop):
    plan = workshop.plan(workshop.config())
    workshop.config(model={'width': 9})
    with pytest.raises(RecipeError, match='changed while the recipe was'):
        workshop.run_plans([plan])


def test_a_full_disk_is_told_before_a_start(workshop, monkeypatch):
    full = SimpleNamespace(free=5 * 2**20)
    monkeypatch.setattr(runner.shutil, 'disk_usage', lambda path: full)
    with pytest.raises(RecipeError, match=r'is full \(5 MiB free\)'):
        workshop.run(workshop.config())
    monkeypatch.undo()


def test_a_full_disk_in_a_stage_is_told(workshop):
    text = 'OSError: [Errno 28] No space left on device'
    with pytest.raises(RecipeError, match='The disk is full: free some space'):
        workshop.run(workshop.config(broken=text))


def test_a_training_without_its_last_checkpoint_fails(workshop):
    config = workshop.config(
        default_hooks={'checkpoint': {'interval': ITERS + 1}}
    )
    with pytest.raises(RecipeError, match='ended well but did not write'):
        workshop.run(config)
    workshop.config(default_hooks={'checkpoint': {'interval': INTERVAL}})
    assert len(workshop.run(config)) == 1


def test_best_needs_a_best_checkpoint(workshop):
    workshop.config()
    recipe = workshop.recipe(
        dict(name='train', kind='train', config='net_a2b.py'),
        dict(
            name='test', kind='test', config='net_a2b.py', checkpoint='train',
            selection='best',
        ),
    )  # fmt: skip
    with pytest.raises(RecipeError, match=r"no output 'best'.*save_best"):
        workshop.run(recipe)


def test_a_foreign_work_root_is_refused(workshop):
    config = workshop.config()
    workshop.root.mkdir()
    (workshop.root / 'thesis.tex').write_text('')
    with pytest.raises(ValueError, match=r"holds 'thesis.tex' and is no work"):
        workshop.run(config)


def test_a_work_root_that_options_cannot_carry_is_refused(tmp_path):
    with pytest.raises(ValueError, match='commas or brackets'):
        open_root(tmp_path / 'a,b')


def test_a_work_root_of_another_version_is_refused(workshop):
    workshop.root.mkdir()
    mark = {'format': 'mmseg_da.recipes', 'version': 99}
    (workshop.root / 'recipes.json').write_text(json.dumps(mark))
    with pytest.raises(ValueError, match='version 99; this mmseg-da writes'):
        workshop.run(workshop.config())


def test_a_folder_of_other_settings_is_refused(workshop):
    config = workshop.config()
    folder = workshop.plan(config).stages[0].folder
    folder.path.mkdir(parents=True)
    head = {'format': 'mmseg_da.stage', 'key': 'b' * 64, 'loose_key': ''}
    (folder.path / 'stage.json').write_text(json.dumps({**head, 'parts': {}}))
    with pytest.raises(ValueError, match='was made from other settings'):
        workshop.plan(config)
    (folder.path / 'stage.json').unlink()
    (folder.path / 'other').touch()
    with pytest.raises(ValueError, match=r'its stage.json was lost'):
        workshop.plan(config)
