# SPDX-License-Identifier: Apache-2.0
"""A change re-runs exactly what depends on it, and the plan says why."""

import dataclasses

import pytest

from mmseg_da.recipes import identity

DONE = {'train': 'finished', 'test': 'finished'}
ALL = {'train': 'run', 'test': 'run'}
TEST_ONLY = {'train': 'finished', 'test': 'run'}


@pytest.fixture
def finished(workshop):
    """A config whose stages are finished."""
    config = workshop.config()
    workshop.run(config)
    assert workshop.actions(config) == DONE
    return config


def reasons(workshop, config, **options):
    plan = workshop.plan(config, **options)
    return {stage.spec.name: stage.reason for stage in plan.stages}


def test_planning_writes_nothing(workshop):
    config = workshop.config()
    assert workshop.actions(config) == ALL
    assert reasons(workshop, config)['train'] == 'never run'
    assert not workshop.root.exists()


def test_a_changed_setting_is_named(workshop, finished):
    workshop.config(model={'width': 2})
    assert workshop.actions(finished) == ALL
    assert reasons(workshop, finished) == {
        'train': 'model.width was 1, is 2',
        'test': 'model.width was 1, is 2; inputs train-net_a2b changed',
    }


def test_a_setting_of_the_test_leaves_the_training(workshop, finished):
    workshop.config(test_cfg={'type': 'Other'})
    assert workshop.actions(finished) == TEST_ONLY


def test_a_setting_of_the_training_reaches_the_test(workshop, finished):
    workshop.config(train_cfg={'max_iters': 6})
    assert workshop.actions(finished) == ALL
    assert reasons(workshop, finished)['test'] == (
        'inputs train-net_a2b changed'
    )


@pytest.mark.parametrize(
    'change',
    [
        {'work_dir': 'elsewhere'},
        {'log_level': 'DEBUG'},
        {'visualizer': {'name': 'x'}},
        {'a_variable_of_the_file': 3},
        {'default_hooks': {'checkpoint': {'interval': 1}, 'logger': {}}},
        {'randomness': {'seed': 5}},  # the recipe sets it
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_no_result_runs_nothing(workshop, finished, change):
    workshop.config(**change)
    assert workshop.actions(finished) == DONE


def test_comments_of_a_config_run_nothing(workshop, finished):
    finished.write_text('# a comment\n' + finished.read_text())
    assert workshop.actions(finished) == DONE


def test_changed_code_is_named(workshop, finished, monkeypatch):
    tool = workshop.folder / 'tools/test.py'
    tool.write_text(tool.read_text() + '\nx = 1\n')
    assert workshop.actions(finished) == TEST_ONLY
    assert reasons(workshop, finished)['test'] == 'code test.py changed'
    tool = workshop.folder / 'tools/train.py'
    tool.write_text(tool.read_text() + '\nx = 1\n')
    assert workshop.actions(finished) == ALL


def test_ignored_code_is_kept_and_told(workshop, finished):
    for name in ('train', 'test'):
        tool = workshop.folder / f'tools/{name}.py'
        tool.write_text(tool.read_text() + '\nx = 1\n')
    ignoring = dataclasses.replace(workshop.settings, ignore_code=True)
    assert workshop.actions(finished, settings=ignoring) == DONE
    plan = workshop.plan(finished, settings=ignoring)
    assert all(stage.stale_code for stage in plan.stages)
    workshop.config(model={'width': 2})  # but not other changes
    assert workshop.actions(finished, settings=ignoring) == ALL


def test_another_library_version_counts_as_code(
    workshop, finished, monkeypatch
):
    versions = {**identity._library_versions(), 'torch': '9.9'}
    monkeypatch.setattr(identity, '_library_versions', lambda: versions)
    assert workshop.actions(finished) == ALL
    assert reasons(workshop, finished)['train'] == 'code torch changed'


def dataset(root):
    folders = {'img_path': 'images'}
    return {
        'type': 'BaseSegDataset',
        'data_root': str(root),
        'data_prefix': folders,
        'img_suffix': '.png',
    }


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / 'data/images'
    folder.mkdir(parents=True)
    for name in ('a', 'b'):
        (folder / f'{name}.png').write_bytes(b'12345')
    return folder


def test_changed_data_are_named(workshop, images):
    loader = {'dataset': dataset(images.parent)}
    config = workshop.config(test_dataloader=loader)
    workshop.run(config)
    assert workshop.actions(config) == DONE
    (images / 'b.png').write_bytes(b'123456')
    assert workshop.plan(config)
    from mmseg_da.recipes.config_parts import forget_data

    forget_data()
    assert workshop.actions(config) == TEST_ONLY
    assert reasons(workshop, config)['test'] == (
        'data test_dataloader.dataset changed'
    )


def test_moved_data_are_the_same(workshop, images):
    loader = {'dataset': dataset(images.parent)}
    config = workshop.config(test_dataloader=loader)
    workshop.run(config)
    moved = images.parent.rename(workshop.folder / 'moved')
    workshop.config(test_dataloader={'dataset': dataset(moved)})
    assert workshop.actions(config) == DONE


def test_seeds_processes_and_repeats_are_apart(workshop, finished):
    assert workshop.actions(finished, seed=1) == ALL
    assert workshop.actions(finished, repeat=1) == ALL
    two = dataclasses.replace(workshop.settings, processes=2)
    assert workshop.actions(finished, settings=two) == ALL


def test_a_repeat_has_its_own_record(workshop, finished):
    (path,) = workshop.run_plans([workshop.plan(finished, repeat=1)])
    assert path.name == 'net_a2b_seed0_repeat1.json'
    assert (path.parent / 'net_a2b_seed0.json').is_file()


def test_outputs_of_stages_are_no_paths_in_identities(workshop):
    """The same stages in another work root have the same identity."""
    workshop.config()
    workshop.config('next_a2b', load_from=None)
    recipe = workshop.recipe(
        dict(name='first', kind='train', config='net_a2b.py', seed=3),
        dict(
            name='second', kind='train', config='next_a2b.py',
            options={'load_from': '{first}'}, env={'SEED_FILE': '{first}'},
        ),
        dict(
            name='test', kind='test', config='next_a2b.py',
            checkpoint='second',
        ),
    )  # fmt: skip
    plans = [
        workshop.plan(
            recipe,
            seed=seed,
            settings=dataclasses.replace(workshop.settings, work_root=root),
        )
        for seed, root in (
            (0, workshop.root),
            (0, workshop.folder / 'other'),
            (1, workshop.root),
        )
    ]
    here, there, other_seed = (
        [stage.identity.key for stage in plan.stages] for plan in plans
    )
    assert here == there
    # The first stage has a seed of its own and is shared between seeds.
    assert here[0] == other_seed[0] and here[1] != other_seed[1]
    assert len(workshop.run_plans([plans[0], plans[2]])) == 2
    log = plans[0].stages[1].folder.log.read_text()
    weights = plans[0].stages[0].folder.work_dir / 'iter_12.pth'
    assert f'load_from={weights}' in log


def test_ignored_code_goes_on_with_nothing_half_finished(workshop):
    config = workshop.config()
    workshop.run(config)
    older, test = (s.folder for s in workshop.plan(config).stages)
    for folder in (older, test):
        (folder.path / 'finished.json').unlink()
    tool = workshop.folder / 'tools/train.py'
    tool.write_text(tool.read_text() + '\nx = 1\n')
    ignoring = dataclasses.replace(workshop.settings, ignore_code=True)
    train = workshop.plan(config, settings=ignoring).stages[0]
    assert train.folder.path != older.path
    assert (train.action, train.stale_code) == ('run', False)
