# SPDX-License-Identifier: Apache-2.0
"""What stands on the sidewalks: trees, lamps, posts, lights, signs, clutter.

Each ``add_*`` function draws one object from eight uniform numbers; the first
two place it, whatever the domain.
"""

from __future__ import annotations

import numpy as np

from .params import Domain
from .primitives import board, box, footprint, ground, place
from .random_streams import between, choose, pick
from .scene import Kind, SceneBuilder, Surface
from .silhouettes import silhouettes
from .street import KERB, Plan

_STATIC, _DYNAMIC = 4, 5
_POLE, _LIGHT, _SIGN, _PLANT = 17, 19, 20, 21
_FACES = [0, 2, 3, 4]


def _side(u: float) -> tuple[int, float]:
    """Side of the street and the rest of the uniform number."""
    return (1, 2 * u - 1) if u >= 0.5 else (-1, 2 * u)


def _shade_disc(builder: SceneBuilder, x, z, radius, height) -> None:
    quad = ground(x - radius, x + radius, z - radius, z + radius)[0]
    builder.add_shadow(quad[:, [0, 2]], height)


def add_pole(
    builder: SceneBuilder, domain: Domain, x, z, height, width, u, base=KERB
) -> None:
    """A round post, drawn as a board facing the camera."""
    color = choose(u, domain.look.pole)
    surface = Surface(Kind.POLE, _POLE, color, (width,))
    builder.add(place(board(width, height), x, z, 0.0, base), surface)
    builder.add_shadow(footprint(x, z, 0.0, width, width), height)


def add_tree(
    builder: SceneBuilder, domain: Domain, plan: Plan, u: np.ndarray
) -> None:
    """A tree: trunk, and a crown of two or three cards."""
    layout, look = domain.layout, domain.look
    side, rest = _side(u[0])
    z = between(u[1] ** 1.2, 7.0, 120.0)
    near_kerb = rest < 0.45
    gap = between(rest, 0.6, 1.4) if near_kerb else between(rest, 0.5, 9.0)
    x = side * ((plan.half if near_kerb else plan.walk) + gap)
    if plan.is_cross(side, z, 1.0):
        return
    height = between(u[2], *layout.tree_height)
    shape = ('crown', 'conifer', 'palm')[pick(u[3], layout.tree_shapes)]
    row = silhouettes().row(shape, u[4])
    width = height * layout.tree_width * between(u[5], 0.8, 1.25)
    crown, foot = {
        'crown': (0.76 * height, 0.27 * height),
        'conifer': (0.92 * height, 0.08 * height),
        'palm': (0.42 * height, 0.6 * height),
    }[shape]
    width *= {'crown': 1.0, 'conifer': 0.62, 'palm': 0.75}[shape]
    color = choose(u[6], look.foliage) * np.float32(0.88 + 0.24 * u[7])
    thick = 0.1 + 0.022 * height
    bark = Surface(Kind.POLE, _PLANT, look.bark, (thick,))
    trunk = place(board(thick, foot + 0.45 * crown), x, z, 0.0, KERB)
    builder.add(trunk, bark)
    cards = ((0.0, 0.0, 1.0), (0.22, -0.4, 0.72), (-0.24, 0.35, 0.7))
    for part, (shift, ahead, size) in enumerate(
        cards if shape == 'crown' else cards[:1]
    ):
        tall = crown * size
        params = (tall, 0, 0, 0, 17 * u[7] + 5 * part, 9 * u[5])
        card = place(
            board(width * size, tall),
            x + shift * width,
            z + ahead,
            0.0,
            KERB + foot + 0.35 * (crown - tall),
        )
        builder.add(
            card, Surface(Kind.FOLIAGE, _PLANT, color, params, silhouette=row)
        )
    _shade_disc(builder, x, z, 0.36 * width, 0.7 * height)


def add_lamp(
    builder: SceneBuilder, domain: Domain, plan: Plan, u: np.ndarray
) -> None:
    """A street lamp with an arm over the road."""
    side, _ = _side(u[0])
    z = between(u[1], 6.0, 75.0)
    x = side * (plan.half + 0.5)
    if plan.is_cross(side, z, 0.5):
        return
    width = domain.layout.pole_width
    height = between(u[2], 6.0, 9.0)
    add_pole(builder, domain, x, z, height, width, u[3])
    color = choose(u[3], domain.look.pole)
    reach = between(u[4], 1.2, 2.6)
    surface = Surface(Kind.PLAIN, _POLE, color)
    arm = board(reach, 0.11)
    builder.add(place(arm, x - side * reach / 2, z, 0.0, height), surface)
    head = box(0.75, 0.16, 0.35)[_FACES]
    builder.add(place(head, x - side * reach, z, 0.0, height - 0.1), surface)


def add_post(
    builder: SceneBuilder, domain: Domain, plan: Plan, u: np.ndarray
) -> None:
    """A plain post or bollard near the kerb."""
    side, rest = _side(u[0])
    z = between(u[1] ** 1.3, 4.5, 36.0)
    if plan.is_cross(side, z, 0.3):
        return
    height = between(u[2], 0.9, 4.5)
    width = domain.layout.pole_width * between(u[3], 0.8, 1.3)
    x = side * (plan.half + between(rest, 0.3, 0.8))
    add_pole(builder, domain, x, z, height, width, u[4])


def add_traffic_light(
    builder: SceneBuilder, domain: Domain, plan: Plan, u: np.ndarray
) -> None:
    """A traffic light on its post, sometimes with a second box on an arm."""
    side, rest = _side(u[0])
    z = between(u[1] ** 1.2, 6.0, 42.0)
    if plan.is_cross(side, z, 0.3):
        return
    x = side * (plan.half + between(rest, 0.3, 0.7))
    scale = domain.layout.light_size * between(u[2], 0.9, 1.2)
    height = between(u[3], 2.5, 3.3)
    add_pole(builder, domain, x, z, height + scale, 0.14, u[4])
    spots = [(x - side * 0.12, height)]
    if u[5] < 0.3:
        reach = between(u[6], 1.5, 3.5)
        surface = Surface(Kind.PLAIN, _POLE, choose(u[4], domain.look.pole))
        arm = board(reach, 0.12)
        centre = x - side * reach / 2
        builder.add(place(arm, centre, z, 0.0, height + 1.6), surface)
        add_pole(builder, domain, x, z + 0.02, height + 1.9, 0.14, u[4])
        spots.append((x - side * reach, height + 1.2))
    state = (0, 2, 2, 1)[int(u[7] * 4)]
    for where, rise in spots:
        face = (0.42 * scale, 1.1 * scale)
        params = (*face, state)
        color = (0.09, 0.09, 0.09)
        quad = place(board(*face), where, z - 0.12, 0.0, rise)
        builder.add(quad, Surface(Kind.LIGHT, _LIGHT, color, params))


_DESIGNS = (
    ((0.70, 0.12, 0.11), (0.12, 0.25, 0.56)),
    ((0.70, 0.13, 0.11), (0.72, 0.14, 0.10)),
    ((0.12, 0.27, 0.56), (0.14, 0.42, 0.28)),
    ((0.84, 0.66, 0.12), (0.82, 0.62, 0.10)),
    ((0.68, 0.11, 0.10), (0.68, 0.11, 0.10)),
)


def _sign_card(domain: Domain, u: np.ndarray) -> tuple:
    """Corners and surface of a sign from four uniform numbers."""
    design = pick(u[0], domain.layout.sign_shapes)
    if design == 3 and u[1] > 0.6:
        design = 4
    size = domain.layout.sign_size * between(u[2], 0.85, 1.3)
    wide = size * (1 + 0.9 * (design == 2) * u[1])
    color = _DESIGNS[design][int(u[3] * 2)]
    row = silhouettes().rows['sign'][design]
    params = (wide, size, design, 0)
    surface = Surface(Kind.SIGN, _SIGN, color, params, silhouette=row)
    return board(wide, size), size, surface


def add_sign(
    builder: SceneBuilder, domain: Domain, plan: Plan, u: np.ndarray
) -> None:
    """One or two traffic signs on a post."""
    side, rest = _side(u[0])
    z = between(u[1] ** 1.3, 5.0, 40.0)
    if plan.is_cross(side, z, 0.3):
        return
    x = side * (plan.half + between(rest, 0.35, 0.9))
    height = between(u[2], 2.0, 2.9)
    card, size, surface = _sign_card(domain, u[3:7])
    add_pole(builder, domain, x, z, height + 0.8 * size, 0.1, u[7])
    builder.add(place(card, x, z - 0.06, 0.0, height + KERB), surface)
    if u[7] < 0.3:
        lower, _, other = _sign_card(domain, u[[7, 6, 5, 4]])
        place_at = place(lower * 0.8, x, z - 0.06, 0.0, height - 0.7)
        builder.add(place_at, other)


def add_wall_sign(
    builder: SceneBuilder, domain: Domain, plan: Plan, u: np.ndarray
) -> None:
    """A sign flat on a facade (a class border without a depth edge)."""
    garden = domain.layout.garden_share
    houses = [
        front
        for front in plan.fronts
        if front.use == 'building'
        and front.z0 > 4
        and front.draws[15] >= garden
    ]
    front = houses[int(u[0] * min(len(houses), 6))] if houses else None
    if front is None:
        return
    verge = plan.verge[0 if front.side < 0 else 1]
    x = plan.walk + verge
    x += domain.layout.setback * (0.1 + front.draws[2]) - 0.03
    z = between(u[1], front.z0 + 1, front.z1 - 1)
    width, height = between(u[2], 0.8, 1.6), between(u[3], 0.8, 1.3)
    left, right = (z + width / 2, z - width / 2)
    if front.side < 0:
        left, right = right, left
    low = -between(u[4], 2.2, 3.2)
    x *= front.side
    quad = [
        (x, low, left),
        (x, low, right),
        (x, low - height, right),
        (x, low - height, left),
    ]
    color = _DESIGNS[2][int(u[5] * 2)]
    params = (width, height, 2, 0)
    builder.add(np.array(quad), Surface(Kind.SIGN, _SIGN, color, params))


def add_clutter(
    builder: SceneBuilder, domain: Domain, plan: Plan, u: np.ndarray
) -> None:
    """Bins, boxes and stands without a class of their own."""
    side, rest = _side(u[0])
    z = between(u[1] ** 1.3, 5.0, 34.0)
    if plan.is_cross(side, z, 0.5):
        return
    size = np.array((0.5, 0.7, 0.5)) + u[2:5] * (1.0, 1.0, 1.1)
    x = side * (plan.walk - between(rest, 0.1, 0.9) + 0.4)
    color = choose(u[5], domain.look.clutter) * np.float32(0.8 + 0.5 * u[6])
    label = _DYNAMIC if u[7] < 0.25 else _STATIC
    heading = 0.5 * (u[6] - 0.5)
    body = place(box(*size)[_FACES], x, z, heading, KERB)
    builder.add(body, Surface(Kind.PLAIN, label, color))
    feet = footprint(x, z, heading, size[0], size[2])
    builder.add_shadow(feet, float(size[1]))
