# SPDX-License-Identifier: Apache-2.0
"""People and cycles, drawn as cut-out cards.

Each ``add_*`` function draws one object from eight uniform numbers.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .params import Domain
from .primitives import board, footprint, place
from .random_streams import between, choose, tinted
from .scene import Kind, SceneBuilder, Surface
from .silhouettes import silhouettes
from .street import KERB, Plan

_PERSON, _RIDER, _MOTORCYCLE, _BICYCLE = 24, 25, 32, 33
_TYRE, _METAL = (0.07, 0.07, 0.075), (0.38, 0.39, 0.40)


def _figure_colors(domain: Domain, u: np.ndarray, body: object) -> np.ndarray:
    """Colours of parts 0..7 from four uniform numbers."""
    look = domain.look
    hair = np.float32((0.10, 0.08, 0.07)) + np.float32(0.25 * u[3] ** 3)
    top = choose(u[0], look.clothes)
    legs = choose(u[1], look.clothes) * np.float32(0.75)
    skin = choose(u[2], look.skin)
    return np.stack(
        [top, skin, hair, top, legs, _TYRE, _METAL, np.asarray(body)]
    ).astype(np.float32)


def _add_card(
    builder: SceneBuilder,
    row: int,
    scale: float,
    place_at: tuple[float, float, float, float],
    figure: int,
    surface: Surface,
) -> None:
    """A figure's card of two by two units at (x, z, turn, base)."""
    side = 2 * scale
    x, z, turn, base = place_at
    surface = replace(
        surface,
        kind=Kind.FIGURE,
        params=(side, side, figure, 0, x, 0),
        silhouette=row,
        two_sided=True,
    )
    builder.add(place(board(side, side), x, z, turn, base), surface)


def add_person(
    builder: SceneBuilder, domain: Domain, plan: Plan, u: np.ndarray
) -> None:
    """A pedestrian on a sidewalk, or crossing the road further ahead."""
    z = between(u[1] ** 1.25, 5.0, 34.0)
    side = 1 if u[0] >= 0.45 else -1
    x = side * between(u[2], plan.half + 0.4, plan.walk + 0.3)
    pace, base = (0.0, 0.0, 1.5 * (u[3] - 0.5)), KERB
    crossing = u[3] < 0.16 and z > 12
    if crossing:
        x, base = between(u[2], -plan.half, plan.half), 0.0
        pace = (1.3 * math.copysign(1.0, u[4] - 0.5), 0.0, 0.0)
    scale = between(u[4], 1.5, 1.95) / 1.84
    row = silhouettes().row('person', u[5])
    colors = _figure_colors(domain, u[[6, 7, 5, 3]], (0.2, 0.2, 0.2))
    figure = builder.add_figure(colors)
    surface = Surface(
        Kind.FIGURE,
        _PERSON,
        instance=builder.new_instance(),
        velocity=pace,
    )
    where = (x, z, 0.25 * (u[6] - 0.5), base)
    _add_card(builder, row, scale, where, figure, surface)
    feet = footprint(x, z, 0.0, 0.4, 0.3)
    builder.add_shadow(feet, 1.5, (pace[0], pace[2]))


def _cycle_place(
    plan: Plan, u: np.ndarray, speed: float, ridden: bool, rear: bool
) -> tuple[tuple[float, float, float, float], tuple[float, float, float]]:
    """Card position (x, z, turn, base) and velocity of a cycle."""
    side = 1 if u[0] >= 0.4 else -1
    z = between(u[1] ** 1.25, 5.0, 24.0 if ridden else 30.0)
    if rear:
        x = side * (plan.half - 2.4 * u[3] - 0.6)
        along = speed * 0.9 if side > 0 else -4.0
        return (x, z, 0.0, 0.0), (0.0, 0.0, along)
    if ridden:
        x = 0.9 * between(u[3], -plan.half, plan.half)
        turn = 0.9 * (u[4] - 0.5)
        velocity = (3.5 * math.cos(turn), 0.0, -3.5 * math.sin(turn))
        return (x, z + 2.5, turn, 0.0), velocity
    near_kerb = u[3] < 0.4
    x = side * (plan.half + 0.6 if near_kerb else plan.walk - 0.6)
    return (x, z, 2.2 * (u[4] - 0.5), KERB), (0.0, 0.0, 0.0)


def add_cycle(
    builder: SceneBuilder,
    domain: Domain,
    plan: Plan,
    u: np.ndarray,
    speed: float,
    name: str,
    ridden: bool,
) -> None:
    """A bicycle or motorcycle, ridden or parked."""
    look, shapes = domain.look, silhouettes()
    motor = name == 'motorcycle'
    rear = bool(ridden and u[2] < 0.45)
    where, velocity = _cycle_place(plan, u, speed, ridden, rear)
    scale = (1.06 if motor else 1.0) * between(u[5], 0.94, 1.08)
    color = tinted(look.paint, u[6], u[7], look.color_jitter)
    figure = builder.add_figure(
        _figure_colors(domain, u[[7, 6, 5, 4]], color)
        if ridden
        else _cycle_colors(color)
    )
    surface = Surface(
        Kind.FIGURE,
        _MOTORCYCLE if motor else _BICYCLE,
        instance=builder.new_instance(),
        velocity=velocity,
    )
    row = shapes.row(f'{name}_rear' if rear else name, u[6])
    _add_card(builder, row, scale, where, figure, surface)
    x, z, turn, base = where
    if ridden:
        variants = shapes.rows['rider_rear' if rear else 'rider']
        row = variants[(2 if motor else 0) + int(2 * u[7])]
        rider = builder.new_instance()
        surface = replace(surface, label=_RIDER, instance=rider)
        # two centimetres before the cycle, so that it wins everywhere
        where = (
            x - 0.02 * math.sin(turn),
            z - 0.02 * math.cos(turn),
            turn,
            base,
        )
        _add_card(builder, row, scale, where, figure, surface)
    feet = footprint(x, z, turn, 0.4 if rear else 1.6, 0.3)
    builder.add_shadow(feet, 1.0, (velocity[0], velocity[2]))


def _cycle_colors(color: np.ndarray) -> np.ndarray:
    """Colours of parts 0..7 of a parked cycle."""
    lamp = (0.60, 0.10, 0.08)
    rows = [color, lamp, color, color, color, _TYRE, _METAL, color]
    return np.array(rows, np.float32)
