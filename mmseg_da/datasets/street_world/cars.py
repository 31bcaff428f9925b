# SPDX-License-Identifier: Apache-2.0
"""Bodies of cars: four side profiles with tapered cabins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from .primitives import box, footprint, pad_corners, place, side, strip, wheel
from .scene import Kind, SceneBuilder, Surface
from .vehicles import DARK, Body

_CAR = 26


@dataclass(frozen=True)
class _Profile:
    """Side view of a car as fractions of length and height.

    Args:
        lower: Outline of the lower body, see ``primitives.side``.
        cabin: Outline of the cabin: rear, front, roof front, roof rear.
    """

    lower: tuple[tuple[float, float], ...]
    cabin: tuple[tuple[float, float], ...]


_SILL = 0.16
_PROFILES = (
    _Profile(  # saloon
        (
            (-0.5, _SILL),
            (0.5, _SILL),
            (0.49, 0.46),
            (0.22, 0.62),
            (-0.34, 0.64),
            (-0.5, 0.58),
        ),
        ((-0.38, 0.63), (0.24, 0.61), (0.06, 1.0), (-0.22, 1.0)),
    ),
    _Profile(  # hatchback
        (
            (-0.5, _SILL),
            (0.5, _SILL),
            (0.49, 0.48),
            (0.24, 0.6),
            (-0.47, 0.62),
            (-0.5, 0.5),
        ),
        ((-0.48, 0.61), (0.26, 0.59), (0.06, 1.0), (-0.36, 1.0)),
    ),
    _Profile(  # off-roader
        (
            (-0.5, 0.2),
            (0.5, 0.2),
            (0.5, 0.54),
            (0.24, 0.62),
            (-0.49, 0.63),
            (-0.5, 0.5),
        ),
        ((-0.49, 0.62), (0.25, 0.61), (0.12, 1.0), (-0.45, 1.0)),
    ),
    _Profile(  # van
        (
            (-0.5, 0.15),
            (0.5, 0.15),
            (0.5, 0.4),
            (0.36, 0.52),
            (-0.49, 0.54),
            (-0.5, 0.4),
        ),
        ((-0.495, 0.53), (0.37, 0.51), (0.22, 1.0), (-0.48, 1.0)),
    ),
)
#: Width, height, length of each profile in metres.
CAR_SIZES = (
    (1.8, 1.45, 4.6),
    (1.75, 1.5, 4.0),
    (1.9, 1.8, 4.6),
    (1.95, 2.1, 5.0),
)


def _scaled(points: tuple, height: float, length: float) -> list:
    return [(f * length, h * height) for f, h in points]


@dataclass(frozen=True)
class _Part:
    """One face of a car: material, whether painted, parameters."""

    kind: Kind
    painted: bool
    params: tuple[float, ...]


@cache
def _car_faces(shape: int) -> tuple[np.ndarray, tuple[_Part, ...]]:
    """Faces ``(n, 8, 3)`` of a car of standard size, and their materials."""
    profile = _PROFILES[shape]
    width, height, length = CAR_SIZES[shape]
    lower = _scaled(profile.lower, height, length)
    cabin = _scaled(profile.cabin, height, length)
    top, full = 0.8 * width, (width, width)
    faces, parts = [], []

    def add(corners: np.ndarray, kind: Kind, *params: float) -> None:
        faces.append(pad_corners(corners))
        parts.append(_Part(kind, kind != Kind.PLAIN, params))

    belt = lower[5][1] - lower[0][1]
    nose = lower[2][1] - lower[1][1]
    pane = cabin[2][1] - cabin[0][1]
    long = cabin[1][0] - cabin[0][0]
    tallest = max(h for _, h in lower) - lower[0][1]
    add(strip(lower[0], lower[5], full), Kind.CAR_END, width, belt, 0)
    front = strip(lower[2], lower[1], full, facing_front=True)
    add(front, Kind.CAR_END, width, nose, 1)
    add(strip(lower[5], lower[4], full), Kind.PAINT)
    add(strip(lower[3], lower[2], full, facing_front=True), Kind.PAINT)
    rear_glass = strip(cabin[0], cabin[3], (width, top))
    add(rear_glass, Kind.GLASS, width, 1.1 * pane, 0)
    add(strip(cabin[3], cabin[2], (top, top)), Kind.PAINT)
    front_glass = strip(cabin[2], cabin[1], (top, width), facing_front=True)
    add(front_glass, Kind.GLASS, width, 1.1 * pane, 0)
    for right in (True, False):
        flank = side(lower, [width] * 6, right)
        add(flank, Kind.CAR_SIDE, length, tallest)
        panes = side(cabin, [width, width, top, top], right)
        add(panes, Kind.GLASS, long, pane * 1.03, 1)
        reach = (width / 2 + 0.015) * (1 if right else -1)
        for hub in (-0.31, 0.31):
            add(wheel(hub * length, reach, 0.33, right), Kind.WHEEL, 0.33)
    for face in box(0.9 * width, 0.26 * height, 0.95 * length)[:4]:
        add(face, Kind.PLAIN)
    return np.stack(faces), tuple(parts)


def add_car(builder: SceneBuilder, body: Body, shape: int) -> None:
    """A car: lower body, tapered cabin with windows, wheels."""
    faces, parts = _car_faces(shape)
    scale = np.divide(body.size, CAR_SIZES[shape])
    number, velocity = builder.new_instance(), body.velocity
    stretch = float(scale[2])
    surfaces = [
        Surface(
            part.kind,
            _CAR,
            body.color if part.painted else DARK,
            [value * stretch for value in part.params[:2]]
            + list(part.params[2:]),
            number,
            velocity,
        )
        for part in parts
    ]
    world = place(faces * scale, body.x, body.z, body.heading, body.base)
    builder.add_each(world, surfaces)
    width, height, length = body.size
    feet = footprint(body.x, body.z, body.heading, width, length)
    builder.add_shadow(feet, 0.8 * height, (velocity[0], velocity[2]))
