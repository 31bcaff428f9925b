# SPDX-License-Identifier: Apache-2.0
"""The recipes of IntraDA: AdvEnt, ranking, IntraDA, test."""

import subprocess
import sys

import contract
import pytest

from mmseg_da.recipes import RunSettings, load_recipe, plan_recipe
from mmseg_da.recipes.declaration import RECIPES

NAMES = sorted(path.stem for path in RECIPES.glob('intrada*.py'))


@pytest.fixture
def roots(street_world, monkeypatch):
    for name, value in contract.dataset_roots(street_world).items():
        monkeypatch.setenv(name, value)


def plan(name, tmp_path):
    return plan_recipe(load_recipe(name), 0, RunSettings(tmp_path))


def keys(name, tmp_path):
    stages = plan(name, tmp_path).stages
    return {stage.spec.name: stage.identity.key for stage in stages}


def test_every_intrada_config_has_its_recipe():
    configs = [p.stem for p in contract.CONFIGS if p.stem[:7] == 'intrada']
    assert sorted(configs) == NAMES


@pytest.mark.parametrize('name', NAMES)
def test_stages(name):
    stages = load_recipe(name).stages
    kinds = [stage.kind for stage in stages]
    assert kinds[:4] == ['train', 'artifact', 'train', 'test']
    assert stages[1].config == stages[0].config
    assert stages[2].config.stem == name


def test_the_lambda_study_shares_two_stages(roots, tmp_path):
    """One ranking is cut anew; the normalised one is another."""
    paper = keys('intrada_gta2cs', tmp_path)
    half = keys('intrada-lambda50_gta2cs', tmp_path)
    norm = keys('intrada-norm_gta2cs', tmp_path)
    assert paper['advent'] == half['advent'] == norm['advent']
    assert paper['ranking'] == half['ranking'] != norm['ranking']
    assert paper['intrada'] != half['intrada']


def test_the_ranked_images_count(roots, tmp_path):
    """Another pipeline of target_images: another ranking, not training."""
    base = contract.REPO / 'configs/methods/advent_swg2swc.py'
    config = tmp_path / base.name
    config.write_text(f'_base_ = {str(base)!r}\n')
    recipe = tmp_path / 'own_swg2swc.py'
    text = (RECIPES / 'intrada_swg2swc.py').read_text()
    recipe.write_text(text.replace("'advent_swg2swc'", f"'{base.name}'"))
    before = keys(recipe, tmp_path)
    pipeline = [dict(type='LoadStreetImage'), dict(type='PackUDAInputs')]
    with config.open('a') as file:
        file.write(f'target_images = dict(pipeline={pipeline})\n')
    after = keys(recipe, tmp_path)
    assert before['advent'] == after['advent']
    assert before['ranking'] != after['ranking']


@pytest.mark.slow
def test_the_recipe_runs_from_end_to_end(roots, tmp_path):
    text = (RECIPES / 'intrada_swg2swc.py').read_text()
    small = "options={'train_cfg.max_iters': 2, 'train_cfg.val_interval': 2}"
    for config in ('advent', 'intrada'):
        line = f"kind='train', config='{config}_swg2swc'"
        broken = f"kind='train',\n        config='{config}_swg2swc'"
        text = text.replace(line, f'{line}, {small}')
        text = text.replace(broken, f'{broken},\n        {small}')
    assert text.count('max_iters') == 2
    recipe = tmp_path / 'intrada_swg2swc.py'
    recipe.write_text(text)
    tool = str(contract.REPO / 'tools/run_method.py')
    command = [sys.executable, tool, str(recipe), '--work-root']
    command.append(str(tmp_path / 'runs'))
    subprocess.run(command, check=True)
    record = tmp_path / 'runs/records/intrada_swg2swc_seed0.json'
    assert record.is_file()
    assert all(
        stage.action == 'finished'
        for stage in plan(recipe, tmp_path / 'runs').stages
    )
