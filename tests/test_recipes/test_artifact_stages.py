# SPDX-License-Identifier: Apache-2.0
"""Stages that hand an artefact to the next one."""

import json

import pytest
from fake_stages import ITERS

from mmseg_da.recipes import RecipeError


@pytest.fixture
def recipe(workshop):
    """train -> class statistics -> train with them -> test."""
    workshop.config()
    workshop.config('next_a2b', stats='', load_from=None)
    return workshop.recipe(
        dict(name='first', kind='train', config='net_a2b.py'),
        dict(
            name='stats', kind='artifact', artifact='class_stats',
            config='net_a2b.py', checkpoint='first',
        ),
        dict(
            name='second', kind='train', config='next_a2b.py',
            options={'load_from': '{stats}/content'},
        ),
        dict(
            name='test', kind='test', config='next_a2b.py',
            checkpoint='second',
        ),
    )  # fmt: skip


def starts(stage):
    return (stage.folder.path / 'starts.txt').read_text().count('start')


def test_artefacts_are_made_checked_and_handed_on(workshop, recipe):
    workshop.run(recipe)
    plan = workshop.plan(recipe)
    assert {stage.action for stage in plan.stages} == {'finished'}
    first, stats, second, _ = plan.stages
    key = f'class_stats-net_a2b-{stats.identity.key[:8]}'
    folder = stats.folder.path / 'artifacts/class_stats' / key
    weights = first.folder.work_dir / f'iter_{ITERS}.pth'
    assert (folder / 'content').read_bytes() == weights.read_bytes()
    assert f'load_from={folder}/content' in second.folder.log.read_text()


def test_an_artefact_that_is_complete_is_not_made_again(workshop, recipe):
    """Killed between the artefact's last file and the stage's own."""
    workshop.run(recipe)
    stats = workshop.plan(recipe).stages[1]
    test = workshop.plan(recipe).stages[3]
    (stats.folder.path / 'finished.json').unlink()
    (test.folder.path / 'finished.json').unlink()
    second = workshop.plan(recipe).stages[2]
    (second.folder.path / 'finished.json').unlink()
    assert workshop.actions(recipe)['stats'] == 'resume'
    workshop.run(recipe)
    assert starts(stats) == 1


def test_an_edited_artefact_is_made_again(workshop, recipe):
    """Its upstream is untouched; nothing uses the edited one meanwhile."""
    workshop.run(recipe)
    plan = workshop.plan(recipe)
    _, stats, second, test = plan.stages
    (manifest,) = stats.folder.path.rglob('manifest.json')
    manifest.write_text(manifest.read_text() + ' ')
    for stage in (second, test):
        (stage.folder.path / 'finished.json').unlink()
    again = workshop.plan(recipe)
    assert [s.action for s in again.stages] == [
        'finished',
        'run',
        'resume',
        'resume',
    ]
    assert 'manifest.json was edited' in again.stages[1].reason
    workshop.run_plans([again])
    assert starts(stats) == 1  # the kept folder had the other start


def test_edited_files_of_an_artefact_are_noticed(workshop, recipe):
    workshop.run(recipe)
    _, stats, second, test = workshop.plan(recipe).stages
    (content,) = stats.folder.path.rglob('content')
    content.write_bytes(content.read_bytes()[::-1])
    for stage in (second, test):
        (stage.folder.path / 'finished.json').unlink()
    with pytest.raises(RecipeError, match=r'content was edited \(another'):
        workshop.run(recipe)


def test_an_unfinished_artefact_fails_its_stage(workshop, recipe):
    tool = workshop.folder / 'tools/artifact.py'
    tool.write_text(tool.read_text().replace('os.replace(part, folder)', ''))
    with pytest.raises(RecipeError, match=r'artefact .* is missing'):
        workshop.run(recipe)


def test_data_folders_in_arguments_count(workshop):
    """A kind without a config: its folders are data."""
    workshop.config()
    labels = workshop.folder / 'labels.json'
    labels.write_text('[1]')
    recipe = workshop.recipe(
        dict(
            name='stats', kind='artifact', artifact='class_stats',
            arguments=['--labels', str(labels)],
        ),
        dict(
            name='train', kind='train', config='net_a2b.py',
            env={'STATS': '{stats}', 'KEY': '{stats.key}'},
        ),
        dict(
            name='test', kind='test', config='net_a2b.py', checkpoint='train'
        ),
    )  # fmt: skip
    workshop.run(recipe)
    assert set(workshop.actions(recipe).values()) == {'finished'}
    labels.write_text('[1, 2]')
    plan = workshop.plan(recipe)
    assert plan.stages[0].reason == 'data arguments.labels.json changed'
    assert [stage.action for stage in plan.stages] == ['run'] * 3


def test_a_kind_without_a_command_is_told(workshop):
    workshop.config()
    recipe = workshop.recipe(
        dict(name='flow', kind='artifact', artifact='flow'),
        dict(name='train', kind='train', config='net_a2b.py'),
        dict(
            name='test', kind='test', config='net_a2b.py', checkpoint='train'
        ),
    )  # fmt: skip
    with pytest.raises(ValueError, match="'flow' has no command; allowed"):
        workshop.plan(recipe)


def test_the_record_lists_every_stage(workshop, recipe):
    (path,) = workshop.run(recipe)
    stages = json.loads(path.read_text())['cost']['stages']
    assert [stage['name'] for stage in stages] == [
        'first',
        'stats',
        'second',
        'test',
    ]
