# SPDX-License-Identifier: Apache-2.0
"""StreetWorld's gap dial: it moves parameters, never random numbers."""

import dataclasses

import numpy as np
import pytest

from mmseg_da.datasets.street_world.frame import StreetSettings
from mmseg_da.datasets.street_world.layout import build_street, street_draws
from mmseg_da.datasets.street_world.params import interpolate
from mmseg_da.datasets.street_world.presets import get_domain, presets
from mmseg_da.datasets.street_world.random_streams import (
    pick,
    poisson_count,
    stream,
)
from mmseg_da.datasets.street_world.render import StreetRenderer


def leaves(node, path=''):
    """All numbers of nested parameters, by path."""
    if dataclasses.is_dataclass(node):
        items = [
            (item.name, getattr(node, item.name))
            for item in dataclasses.fields(node)
        ]
    elif isinstance(node, tuple):
        items = list(enumerate(node))
    else:
        return {path: node}
    found = {}
    for name, child in items:
        found.update(leaves(child, f'{path}.{name}'))
    return found


@pytest.mark.parametrize('preset', presets())
def test_gap_zero_is_the_target_exactly(preset):
    assert get_domain(preset, 0.0) == get_domain('real', 1.0)


@pytest.mark.parametrize('preset', presets())
def test_every_parameter_moves_linearly(preset):
    real, source = leaves(get_domain('real')), leaves(get_domain(preset))
    quarter = leaves(get_domain(preset, 0.25))
    for path, value in quarter.items():
        expected = 0.75 * real[path] + 0.25 * source[path]
        assert value == pytest.approx(expected, abs=1e-12), path


def test_the_default_gap_is_weaker_in_tone_than_in_content():
    real, game = get_domain('real'), get_domain('game')
    for name in ('exposure', 'contrast', 'saturation'):
        a, b = getattr(real.sensor, name), getattr(game.sensor, name)
        assert abs(a - b) / a < 0.2
    assert game.layout.road_width > 1.25 * real.layout.road_width
    assert game.look.brick > 2 * real.look.brick


def scenes(index, *gaps):
    return [
        StreetRenderer(StreetSettings('game', (96, 48), gap=gap))
        .street(index)
        .scene
        for gap in gaps
    ]


def test_objects_correspond_one_to_one_across_gaps():
    for index in range(12):
        mild, strong = scenes(index, 0.3, 0.7)
        fewer, more = sorted(
            (
                {n for n in scene.names if n[:4] not in ('buil', 'park')}
                for scene in (mild, strong)
            ),
            key=len,
        )
        shared = fewer & more
        # counts may differ by the changed means, slots are always a prefix
        assert len(shared) > 0.7 * len(more)
        for names in (fewer, more):
            by_kind = {}
            for name in names:
                kind, slot = name.rsplit('/', 1)
                by_kind.setdefault(kind, set()).add(int(slot))
            for kind, slots in by_kind.items():
                if kind != 'cross':
                    assert slots == set(range(len(slots))), kind


def test_more_of_one_kind_leaves_everything_else_alone():
    domain = get_domain('real')
    counts = dataclasses.replace(domain.layout.counts, person=0.0)
    layout = dataclasses.replace(domain.layout, counts=counts)
    empty = dataclasses.replace(domain, layout=layout)
    draws = street_draws(0, 'real', 3)
    full = build_street(domain, (96, 48), draws, hood=True).scene
    bare = build_street(empty, (96, 48), draws, hood=True).scene
    others = full.label != 24
    assert others.sum() < len(others)
    assert np.array_equal(full.corners[others], bare.corners)
    assert np.array_equal(full.color[others], bare.color)


def test_an_object_keeps_its_place_when_only_looks_change():
    real, game = get_domain('real'), get_domain('game')
    painted = dataclasses.replace(real, look=game.look, sensor=game.sensor)
    draws = street_draws(0, 'real', 5)
    first, second = (
        build_street(domain, (96, 48), draws, hood=True).scene
        for domain in (real, painted)
    )
    assert np.array_equal(first.corners, second.corners)
    assert np.array_equal(first.label, second.label)
    assert not np.array_equal(first.color, second.color)


def test_streams_are_independent_and_reproducible():
    a = stream(0, 'game', 1, 'layout/car').random(4)
    assert np.array_equal(a, stream(0, 'game', 1, 'layout/car').random(4))
    for other in (
        stream(1, 'game', 1, 'layout/car'),
        stream(0, 'real', 1, 'layout/car'),
        stream(0, 'game', 2, 'layout/car'),
        stream(0, 'game', 1, 'layout/bus'),
        stream(0, 'game', 1, 'layout/car', 3),
    ):
        assert not np.array_equal(a, other.random(4))


def test_inverse_distribution_functions():
    # P(0) = e^-1 = .3679, P(<=1) = .7358 for a mean of one
    assert [poisson_count(u, 1.0, 9) for u in (0.36, 0.37, 0.73, 0.74)] == [
        0,
        1,
        1,
        2,
    ]
    assert poisson_count(0.999999, 5.0, 3) == 3
    assert [pick(u, (1, 3)) for u in (0.0, 0.24, 0.26, 0.999)] == [0, 0, 1, 1]


def test_interpolation_is_exact_at_the_ends():
    a, b = get_domain('real'), get_domain('game')
    assert interpolate(a, b, 0.0) is a
    assert interpolate(a, b, 1.0) is b
