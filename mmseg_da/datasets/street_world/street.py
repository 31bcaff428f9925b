# SPDX-License-Identifier: Apache-2.0
"""The street itself: road, sidewalks, and what lines it on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .buildings import Front, add_border, add_building
from .params import Domain
from .primitives import board, ground, place, wall_quad
from .random_streams import between, choose, pick
from .scene import Kind, SceneBuilder, Surface
from .silhouettes import silhouettes

START, END = -36.0, 235.0
KERB = 0.12
SLOTS = 26
EDGE = 75.0
_ROAD, _SIDEWALK, _PLANT, _TERRAIN = 7, 8, 21, 22
#: Uniform numbers per street and per frontage slot.
PLAN_DRAWS, SLOT_DRAWS = 16, 16


@dataclass(frozen=True)
class Plan:
    """Cross section and frontage of a street; metres.

    Args:
        half: Half road width.
        lane: Lateral position of the right lane's middle.
        walk: Outer edge of the sidewalk.
        verge: Width of a planted strip beyond the sidewalk, left and right.
        zebra: Where a zebra crossing is, or far away.
        green_kerb: Whether the strips lie at the kerb.
        fronts: Stretches on both sides.
    """

    half: float
    lane: float
    walk: float
    verge: tuple[float, float]
    zebra: float
    green_kerb: bool
    fronts: tuple[Front, ...]

    def is_cross(self, side: int, z: float, margin: float = 0.0) -> bool:
        """Whether a side street opens at ``z``."""
        return any(
            f.use == 'cross'
            and f.side == side
            and f.z0 - margin <= z <= f.z1 + margin
            for f in self.fronts
        )


def make_plan(domain: Domain, draws: np.ndarray, slots: np.ndarray) -> Plan:
    """The street's plan from uniform numbers.

    Args:
        domain: Parameters.
        draws: float64 ``(16,)``.
        slots: float64 ``(2, 26, 16)``.
    """
    layout = domain.layout
    half = layout.road_width / 2 * between(draws[0], 0.9, 1.14)
    fronts = []
    weights = (layout.building_share, layout.park_share, layout.cross_share)
    for side, rows in zip((-1, 1), slots, strict=True):
        z = START - 12 * draws[1 if side < 0 else 2]
        for row in rows:
            use = ('building', 'park', 'cross')[pick(row[0], weights)]
            length = between(row[1], *layout.front_length)
            if use == 'cross':
                length = between(row[1], 8.0, 13.0)
            if z < END:
                fronts.append(Front(side, z, z + length, use, row))
            z += length
    verge = [
        layout.verge_width
        * between(draws[5], 0.7, 1.6)
        * (draws[3 + i] < layout.verge_share)
        for i in range(2)
    ]
    zebra = between(draws[7], 9.0, 40.0)
    return Plan(
        half=half,
        lane=max((half - 2.15) / 2, 1.5),
        walk=half + layout.sidewalk_width * between(draws[8], 0.8, 1.25),
        verge=(verge[0], verge[1]),
        zebra=zebra if draws[9] < layout.crossing_share else 1e5,
        green_kerb=bool(draws[6] < 0.6),
        fronts=tuple(fronts),
    )


def _add_ground(
    builder: SceneBuilder,
    corners: np.ndarray,
    kind: Kind,
    label: int,
    color: np.ndarray,
    params: tuple[float, ...] = (0.0, 0.0, 0.0),
) -> None:
    origin = corners[0, 0]
    params = (*params, 0.0, origin[0], origin[2])
    builder.add(corners, Surface(kind, label, color, params))


def _span(side: int, x0: float, x1: float) -> tuple[float, float]:
    return (x0, x1) if side > 0 else (-x1, -x0)


def add_ground(
    builder: SceneBuilder, domain: Domain, plan: Plan, draws: np.ndarray
) -> None:
    """Road, sidewalks with kerbs, side streets, verges and fields."""
    look = domain.look
    road, walk = choose(draws[10], look.road), choose(draws[11], look.sidewalk)
    soil = choose(draws[12], look.terrain)
    field = ground(-EDGE, EDGE, START - 20, 440, -0.04)
    _add_ground(builder, field, Kind.TERRAIN, _TERRAIN, soil)
    lane = ground(-plan.half, plan.half, START - 20, 440)
    marks = (plan.half, plan.zebra, 0.0)
    _add_ground(builder, lane, Kind.ROAD, _ROAD, road, marks)
    for side, verge in zip((-1, 1), plan.verge, strict=True):
        outer = plan.walk + verge + 1.2
        for z0, z1 in _runs(plan, side):
            slabs = ground(*_span(side, plan.half, outer), z0, z1, KERB)
            _add_ground(builder, slabs, Kind.SIDEWALK, _SIDEWALK, walk)
            kerb = wall_quad(side, plan.half, z0, z1, KERB)
            builder.add(kerb, Surface(Kind.KERB, _SIDEWALK, look.kerb))
            if verge > 0:
                start = plan.half + 0.3 if plan.green_kerb else plan.walk
                span = _span(side, start, start + verge)
                grass = ground(*span, z0, z1, KERB + 0.02)
                _add_ground(builder, grass, Kind.TERRAIN, _TERRAIN, soil)
    for front in plan.fronts:
        if front.use == 'cross':
            # it reaches under the road, so that no gap shows between them
            span = _span(front.side, plan.half - 0.3, EDGE)
            lane = ground(*span, front.z0, front.z1, -0.004)
            plain = (1e3, 1e5, 1.0)
            _add_ground(builder, lane, Kind.ROAD, _ROAD, road, plain)


def _runs(plan: Plan, side: int) -> list[tuple[float, float]]:
    """Stretches of a side between its side streets."""
    runs, start = [], START - 20
    for front in plan.fronts:
        if front.side == side and front.use == 'cross':
            runs.append((start, front.z0))
            start = front.z1
    runs.append((start, END + 20))
    return [(z0, z1) for z0, z1 in runs if z1 - z0 > 0.1]


def add_fronts(builder: SceneBuilder, domain: Domain, plan: Plan) -> None:
    """Buildings, parks and their borders on both sides."""
    layout = domain.layout
    for number, front in enumerate(plan.fronts):
        builder.names.append(f'{front.use}/{number}')
        verge = plan.verge[0 if front.side < 0 else 1]
        edge = plan.walk + verge
        if front.use == 'building':
            distance = edge + layout.setback * (0.1 + front.draws[2])
            if front.draws[15] < layout.garden_share:
                add_border(builder, domain, front, edge)
                distance += 4
            add_building(builder, domain, front, distance)
        elif front.use == 'park':
            add_border(builder, domain, front, edge)
            if front.draws[10] < 0.55:
                add_building(builder, domain, front, edge + 14)


def add_backdrop(
    builder: SceneBuilder, domain: Domain, draws: np.ndarray
) -> None:
    """Far trees that close the street's end and its sides."""
    look = domain.look
    row = silhouettes().row('skyline', draws[13])
    color = choose(draws[14], look.foliage)
    height = between(draws[15], 9.0, 18.0)
    params = (height, 0, 0, 0, 11, 5)
    surface = Surface(
        Kind.PLANT_BACK, _PLANT, color, params, silhouette=row, two_sided=True
    )
    end = place(board(2 * EDGE, height * 1.4), 0.0, END + 25, 0.0)
    builder.add(end, surface)
    for side in (-1, 1):
        for z in range(-60, int(END) + 25, 60):
            builder.add(wall_quad(side, EDGE, z, z + 60, height), surface)
