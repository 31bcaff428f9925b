# SPDX-License-Identifier: Apache-2.0
import pytest

from mmseg_da.benchmark import grid
from mmseg_da.benchmark.grid import (
    Cell,
    GridResult,
    choose_recipes,
    ensure_street_world,
    make_cells,
)
from mmseg_da.recipes import recipe_names

KNOWN = [
    'adabn_swg2swc',
    'oracle_camvid',
    'oracle_swc',
    'source-only_gta2cs',
    'source-only_swg2camvid',
    'source-only_swg2swc',
]


def test_all_methods_of_a_direction_and_its_oracle():
    assert choose_recipes(['swg2swc'], known=KNOWN) == [
        'adabn_swg2swc',
        'oracle_swc',
        'source-only_swg2swc',
    ]


@pytest.mark.parametrize('method', ['adabn', 'adabn_swg2swc'])
def test_methods_by_name_or_recipe(method):
    chosen = choose_recipes(['swg2swc'], [method, 'oracle'], KNOWN)
    assert chosen == ['adabn_swg2swc', 'oracle_swc']


def test_methods_that_only_other_directions_have_are_left_out():
    known = [*KNOWN, 'sac_gta2cs']
    chosen = choose_recipes(['swg2swc'], ['adabn', 'sac'], known)
    assert chosen == ['adabn_swg2swc']
    with pytest.raises(ValueError, match="method 'sac' is unknown"):
        choose_recipes(['swg2swc'], ['sac'], known)


@pytest.mark.parametrize(
    ('directions', 'methods', 'message'),
    [
        (['swg2swx'], ['all'], "direction 'swg2swx' is unknown; nearest: swg"),
        (['swg2swc'], ['adabm'], "method 'adabm' is unknown; nearest: adabn"),
        (['gta2cs'], ['adabn'], "method 'adabn' is unknown; .*All: all, sou"),
    ],
)
def test_unknown_names_come_with_the_nearest(directions, methods, message):
    with pytest.raises(ValueError, match=message):
        choose_recipes(directions, methods, KNOWN)


def test_the_recipes_of_the_repository_are_found():
    names = choose_recipes(['swg2swc'])
    assert {'source-only_swg2swc', 'oracle_swc'} <= set(names)


def test_cells_run_seed_by_seed_and_repeats_last():
    cells = make_cells(['a', 'b'], [0, 1], [0])
    assert [str(cell) for cell in cells] == [
        'a, seed 0',
        'b, seed 0',
        'a, seed 1',
        'b, seed 1',
        'a, seed 0, repeat 1',
        'b, seed 0, repeat 1',
    ]


def test_only_a_seed_that_runs_can_be_repeated():
    with pytest.raises(ValueError, match='--repeat-seed 5 is none of'):
        make_cells(['a'], [0, 1], [5])


def test_one_cause_is_told_once():
    result = GridResult(
        failures={Cell('a', 0): 'no data', Cell('b', 0): 'no data'}
    )
    assert result.failure_lines()[0] == 'a, seed 0; b, seed 0: no data'


@pytest.mark.parametrize(
    ('recipes', 'formats'),
    [
        (['adabn_swg2swc', 'oracle_swc'], ['cityscapes', 'gta']),
        (['dada_sws2swm'], ['mapillary', 'synthia']),
        (['flow_swc-10pct'], ['cityscapes']),
        (['source-only_gta2cs'], []),
        (
            ['sde-ssl_swc-8'],
            ['cityscapes', 'cityscapes_sequence'],
        ),
        (
            ['sde-exact_swg2swc', 'sde-select_swc-8'],
            ['cityscapes', 'cityscapes_sequence', 'gta', 'gta_seq'],
        ),
    ],
)
def test_street_world_is_made_where_it_is_needed(
    tmp_path, monkeypatch, recipes, formats
):
    made = []

    def generate(root, names, settings, workers, progress):
        assert root == tmp_path / 'sw'
        video = any(name.endswith(('_sequence', '_seq')) for name in names)
        assert settings.sequence_frames == (3 if video else 30)
        made.extend(names)
        return names

    monkeypatch.setenv('STREET_WORLD_ROOT', str(tmp_path / 'sw'))
    monkeypatch.setattr(grid, 'generate', generate)
    # Methods to come: their tags are known, their recipes are not.
    known, reads_video = recipe_names(), grid.reads_video
    monkeypatch.setattr(
        grid, 'reads_video', lambda name: name in known and reads_video(name)
    )
    assert sorted(ensure_street_world(recipes, 1)) == formats
    assert sorted(made) == formats


def test_a_street_world_that_is_there_is_used_as_it_is(
    street_world, monkeypatch
):
    monkeypatch.setenv('STREET_WORLD_ROOT', str(street_world))
    assert ensure_street_world(['adabn_swg2swc'], 1) == []
