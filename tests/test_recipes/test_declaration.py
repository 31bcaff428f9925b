# SPDX-License-Identifier: Apache-2.0
"""What recipes may declare, and every mistake in one."""

import contract
import pytest

from mmseg_da.engine import apply_amp
from mmseg_da.recipes import declaration, load_recipe, recipe_names

TRAIN = dict(name='train', kind='train', config='net_a2b.py')
TEST = dict(name='test', kind='test', config='net_a2b.py', checkpoint='train')
MAPS = dict(name='maps', kind='artifact', artifact='class_stats')


@pytest.mark.parametrize('name', recipe_names())
def test_every_recipe_of_the_suite_is_right(name):
    recipe = load_recipe(name)
    assert recipe.name == name and recipe.tests
    assert all(stage.config.is_file() for stage in recipe.stages)


def test_a_config_is_a_recipe_of_two_stages():
    recipe = load_recipe('oracle_swc')
    assert [s.kind for s in recipe.stages] == ['train', 'test']
    assert recipe.stages[1].checkpoint == 'train'


def test_adabn_takes_the_weights_of_source_only():
    train, test = load_recipe('adabn_swg2swc').stages
    assert train.config.stem == 'source-only_swg2swc'
    assert test.config.stem == 'adabn_swg2swc'
    assert train.title == load_recipe('source-only_swg2swc').stages[0].title


def test_every_recipe_file_has_a_table_name():
    """Its name becomes method and direction of the table's rows."""
    for path in declaration.RECIPES.glob('*.py'):
        assert '_' in path.stem, path


def test_phase_2_of_depth_is_trained_in_mixed_precision(monkeypatch):
    """The options of its stage set what tools/train.py --amp sets."""
    (stage,) = (s for s in load_recipe('sde_gta2cs').stages if s.options)
    wrapper = contract.parsed(stage.config).optim_wrapper
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    expected = {
        f'optim_wrapper.{name}.type': member['type']
        for name, member in apply_amp(wrapper).items()
        if name != 'constructor'
    }
    assert stage.config.stem == 'sde-depth-phase2_cs'
    assert dict(stage.options) == expected


READERS = ('ArtifactCheckHook', 'DepthTransferHook')


@pytest.mark.parametrize('path', contract.CONFIGS, ids=lambda path: path.stem)
def test_a_method_that_reads_earlier_stages_has_a_recipe(path):
    """Its message names the recipe of its own name."""
    hooks = contract.parsed(path).get('custom_hooks', [])
    if any(hook['type'] in READERS for hook in hooks):
        assert (declaration.RECIPES / path.name).is_file()


def test_unknown_names_get_the_nearest():
    with pytest.raises(
        ValueError, match=r"'orakle_swc' is unknown.*oracle_sw"
    ):
        load_recipe('orakle_swc')
    with pytest.raises(ValueError, match='no such recipe or config file'):
        load_recipe('/nowhere/x.py')


def test_references_come_from_everywhere(workshop):
    workshop.config()
    recipe = workshop.recipe(
        TRAIN,
        {**MAPS, 'arguments': ['--labels', '{train.work_dir}/x']},
        dict(
            name='more', kind='train', config='net_a2b.py',
            options={'model.width': '{maps}/width'},
            env={'KEY': '{maps.key}'},
        ),
        {**TEST, 'checkpoint': 'more'},
    )  # fmt: skip
    stages = {stage.name: stage for stage in load_recipe(recipe).stages}
    assert stages['maps'].references() == [('train', 'work_dir')]
    assert stages['more'].references() == [('maps', ''), ('maps', 'key')]
    assert stages['test'].references() == [('more', 'last')]
    assert stages['maps'].title == 'class_stats-maps'


def test_the_seed_of_the_run_is_filled_in(workshop):
    workshop.config()
    recipe = workshop.recipe(
        TRAIN,
        {**MAPS, 'arguments': ['--seed={seed}', '{train.work_dir}']},
        {**TEST, 'env': {'A': '{seed}'}, 'options': {'train_cfg.a': '{seed}'}},
    )
    _, maps, test = load_recipe(recipe).stages
    assert maps.references() == [('train', 'work_dir')]
    assert maps.with_seed(7).arguments == ('--seed=7', '{train.work_dir}')
    assert test.with_seed(7).env == {'A': '7'}
    assert test.with_seed(7).options == {'train_cfg.a': '7'}
    one, other, again = (workshop.plan(recipe, seed=s) for s in (1, 2, 1))
    assert one.stages[1].folder.path != other.stages[1].folder.path
    assert one.stages[1].folder.path == again.stages[1].folder.path


@pytest.mark.parametrize(
    ('stages', 'message'),
    [
        ([TRAIN], "needs a stage of kind 'test'"),
        (['train'], r"holds 'train', expected dict"),
        ([{'name': 'a', 'kind': 'train'}], "stage 'a' has no 'config'"),
        ([{**TRAIN, 'kind': 'tune'}], "kind='tune'; allowed: train, artifact"),
        ([{**TRAIN, 'name': 'seed'}], 'choose another name; {seed} is'),
        ([{**TRAIN, 'confg': 1}], "'confg' is unknown; did you mean 'config'"),
        ([{**TRAIN, 'seed': '1'}], "seed='1', expected int"),
        ([{**TRAIN, 'checkpoint': 'x'}], "'train' takes no 'checkpoint'"),
        ([{**TRAIN, 'name': 'a b'}], 'use letters, digits and "-"'),
        ([{**TRAIN, 'config': 'nett_a2b'}], "'nett_a2b' does not exist"),
        ([TRAIN, TRAIN], 'is declared twice'),
        ([TEST], r"takes 'train', which is no earlier stage.*none"),
        ([TRAIN, {**TEST, 'selection': 'first'}], "='first'; allowed"),
        ([TRAIN, {**TEST, 'env': {'A': '{train.map}'}}], "'map' of 'train'"),
        ([TRAIN, TEST, {**TRAIN, 'name': 'b', 'env': {'A': '{test}'}}],
         'a test stage; it gives: nothing'),
        ([{**MAPS, 'artifact': 'dreams'}], "='dreams'; allowed: pseudo"),
        ([{'name': 'm', 'kind': 'artifact'}], "has no 'artifact'"),
        ([{**MAPS, 'options': {'a': '1'}}], "has no 'config'"),
    ],
)  # fmt: skip
def test_mistakes_are_named(workshop, stages, message):
    workshop.config()
    path = workshop.folder / 'faulty_a2b.py'
    path.write_text(f'stages = {stages!r}\n')
    with pytest.raises(ValueError, match=message) as caught:
        load_recipe(path)
    assert 'faulty_a2b.py' in str(caught.value)


def test_recipes_share_stages_through_base_files(workshop):
    workshop.config()
    parts = workshop.folder / 'parts.py'
    parts.write_text(
        f'net_stages = {[TRAIN]!r}\nnet_env = dict(WEIGHTS="{{train}}")\n'
    )
    path = workshop.folder / 'both_a2b.py'
    path.write_text(
        f"_base_ = 'parts.py'\n"
        f'stages = [*_base_.net_stages, dict({TEST!r}, env=_base_.net_env)]\n'
    )
    stages = load_recipe(path).stages
    assert [stage.name for stage in stages] == [TRAIN['name'], TEST['name']]
    assert stages[1].env == {'WEIGHTS': '{train}'}


@pytest.mark.parametrize('name', ['sde_gta2cs', 'sde_syn2cs', 'sde_swg2swc'])
def test_seeds_of_sde_share_their_depth_networks(name):
    """One of them takes weeks."""
    trainings = [s for s in load_recipe(name).stages if s.kind == 'train']
    *depth, segmentation = trainings
    assert {stage.seed for stage in depth} == {0}
    assert segmentation.seed is None


def test_settings_in_a_recipe_are_refused(workshop):
    workshop.config()
    path = workshop.recipe(TRAIN, TEST)
    path.write_text(path.read_text() + 'max_iters = 3\n')
    with pytest.raises(ValueError, match=r"`stages` only, found \['max_iters"):
        load_recipe(path)
