# SPDX-License-Identifier: Apache-2.0
"""What lines a street: buildings with roofs; walls, fences and hedges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .params import Domain
from .primitives import box, ground, place, wall_quad
from .random_streams import between, choose, pick
from .scene import Kind, SceneBuilder, Surface
from .silhouettes import silhouettes

_BUILDING, _WALL, _FENCE, _PLANT = 11, 12, 13, 21


@dataclass(frozen=True)
class Front:
    """One stretch of a street's side.

    Args:
        side: +1 right, -1 left.
        z0: Start in metres.
        z1: End in metres.
        use: 'building', 'park' or 'cross'.
        draws: float64 ``(16,)`` uniform numbers.
    """

    side: int
    z0: float
    z1: float
    use: str
    draws: np.ndarray


def add_building(
    builder: SceneBuilder,
    domain: Domain,
    front: Front,
    distance: float,
) -> None:
    """A building with its face ``distance`` metres from the axis."""
    layout, look, u = domain.layout, domain.look, front.draws
    floor = layout.floor_height * between(u[3], 0.92, 1.1)
    height = between(u[4], *layout.building_height)
    height = floor * (max(round(height / floor), 1) + 0.45)
    depth = between(u[5], 9.0, 14.0)
    length = front.z1 - front.z0
    base = np.clip(
        choose(u[2], look.facade)
        + look.color_jitter * (2 * u[6:9].astype(np.float32) - 1),
        0.05,
        0.95,
    )
    pitch = layout.window_pitch * between(u[9], 0.85, 1.25)
    size = layout.window_width * between(u[10], 0.8, 1.2)
    params = (pitch, floor, size, layout.window_height, 64 * u[11], 0.0)
    params = (*params[:5], float(int(64 * u[12])))
    surface = Surface(Kind.FACADE, _BUILDING, base, params)
    x = front.side * (distance + depth / 2)
    middle = (front.z0 + front.z1) / 2
    faces = box(depth, height, length)[[0, 3 if front.side > 0 else 2]]
    builder.add(place(faces, x, middle, 0.0), surface)
    x0 = x - depth / 2
    feet = ground(x0, x0 + depth, front.z0, front.z1)[0]
    builder.add_shadow(feet[:, [0, 2]], height)
    if u[13] < layout.pitched_roof:
        _add_roof(builder, domain, front, distance, depth, height, surface)


def _add_roof(
    builder: SceneBuilder,
    domain: Domain,
    front: Front,
    distance: float,
    depth: float,
    height: float,
    surface: Surface,
) -> None:
    """A gabled roof with its ridge along the street."""
    tiles = choose(front.draws[14], domain.look.roof)
    rise = between(front.draws[15], 0.35, 0.6) * depth
    quad = wall_quad(front.side, distance - 0.3, front.z0, front.z1, 1.0)[0]
    quad[:, 1] = (-height, -height, -height - rise, -height - rise)
    quad[2:, 0] = front.side * (distance + depth / 2)
    builder.add(quad, Surface(Kind.ROOF, _BUILDING, tiles))
    near, far = sorted(
        (front.side * distance, front.side * (distance + depth))
    )
    gable = [
        (near, -height, front.z0),
        (far, -height, front.z0),
        ((near + far) / 2, -height - rise, front.z0),
    ]
    builder.add(
        np.array(gable),
        Surface(Kind.ROOF, _BUILDING, surface.color, (0, 0, 0, 0, 3, 5)),
    )


def add_border(
    builder: SceneBuilder, domain: Domain, front: Front, x: float
) -> None:
    """A wall, fence or hedge along a stretch, or nothing."""
    layout, look, u = domain.layout, domain.look, front.draws
    weights = (layout.wall_share, layout.fence_share, layout.hedge_share, 0.2)
    use = pick(u[4], weights)
    z0, z1 = front.z0, front.z1
    if use == 0:
        height = between(u[5], *layout.wall_height)
        surface = Surface(
            Kind.WALL, _WALL, choose(u[6], look.wall), (height, 0, 0, 0, 7, 3)
        )
        builder.add(wall_quad(front.side, x, z0, z1, height), surface)
        body = place(
            box(0.3, height, z1 - z0)[[0, 4]],
            front.side * (x + 0.15),
            (z0 + z1) / 2,
            0.0,
        )
        builder.add(body, surface)
    elif use == 1:
        height = between(u[5], *layout.fence_height)
        pitch = between(u[7], 0.14, 0.4)
        params = (height, pitch, 0, 0, 3, 1)
        surface = Surface(Kind.FENCE, _FENCE, choose(u[6], look.fence), params)
        builder.add(wall_quad(front.side, x, z0, z1, height), surface)
    elif use == 2:
        height = between(u[5], 1.0, 2.4)
        row = silhouettes().row('hedge', u[8])
        color = choose(u[6], look.foliage)
        for part, offset in enumerate((0.0, 0.7)):
            params = (height * 1.2, 0, 0, 0, 9 * part, 40 * u[7])
            quad = wall_quad(front.side, x + offset, z0, z1, height * 1.15)
            builder.add(
                quad,
                Surface(Kind.FOLIAGE, _PLANT, color, params, silhouette=row),
            )
