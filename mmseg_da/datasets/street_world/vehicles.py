# SPDX-License-Identifier: Apache-2.0
"""Bodies of buses, trucks and trains, and where a vehicle is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .primitives import box, footprint, place, wheel
from .scene import Kind, SceneBuilder, Surface

_TRUCK, _BUS, _TRAIN = 27, 28, 31
DARK = (0.05, 0.05, 0.055)


@dataclass(frozen=True)
class Body:
    """Where a vehicle is and how it moves.

    Args:
        x: World x in metres.
        z: World z in metres at the labelled frame.
        heading: Direction, radians to the right of the street's.
        speed: Along its heading in m/s.
        color: RGB in [0, 1].
        size: Width, height, length in metres.
        base: Height of the ground below.
    """

    x: float
    z: float
    heading: float
    speed: float
    color: np.ndarray
    size: tuple[float, float, float]
    base: float = 0.0

    @property
    def velocity(self) -> tuple[float, float, float]:
        """World velocity in m/s."""
        return (
            self.speed * float(np.sin(self.heading)),
            0.0,
            self.speed * float(np.cos(self.heading)),
        )


def _add_block(
    builder: SceneBuilder,
    body: Body,
    label: int,
    number: int,
    span: tuple[float, float],
    rise: tuple[float, float],
    windows: tuple[float, float],
    color: object,
    front_windows: float,
) -> None:
    """One box of a long vehicle between two fractions of its length."""
    width, _, length = body.size
    long = (span[1] - span[0]) * length
    tall = rise[1] - rise[0]
    faces = box(width, tall, long)
    faces[..., 1] += rise[0]
    faces[..., 2] += (span[0] + span[1]) / 2 * length
    world = place(faces, body.x, body.z, body.heading, body.base)
    pitch, sill = windows
    ends = (width, tall, front_windows, 0.46)
    flank = (long, tall, pitch, sill)
    for face, params in enumerate((ends, ends, flank, flank)):
        surface = Surface(
            Kind.COACH, label, color, params, number, body.velocity
        )
        builder.add(world[face], surface)
    roof = Surface(
        Kind.PLAIN, label, color, (), number, velocity=body.velocity
    )
    builder.add(world[4], roof)


def _add_wheels(
    builder: SceneBuilder,
    body: Body,
    label: int,
    number: int,
    hubs: tuple[float, ...],
    radius: float,
) -> None:
    width, _, length = body.size
    surface = Surface(
        Kind.WHEEL, label, DARK, (radius,), number, velocity=body.velocity
    )
    for right in (True, False):
        reach = (width / 2 + 0.02) * (1 if right else -1)
        discs = [wheel(hub * length, reach, radius, right) for hub in hubs]
        world = place(np.stack(discs), body.x, body.z, body.heading, body.base)
        builder.add(world, surface)
    under = box(0.9 * width, 0.85, 0.95 * length)[:4]
    dark = Surface(Kind.PLAIN, label, DARK, (), number, velocity=body.velocity)
    world = place(under, body.x, body.z, body.heading, body.base)
    builder.add(world, dark)
    feet = footprint(body.x, body.z, body.heading, width, length)
    velocity = (body.velocity[0], body.velocity[2])
    builder.add_shadow(feet, 0.8 * body.size[1], velocity)


def add_bus(builder: SceneBuilder, body: Body) -> None:
    """A bus: one long box with a band of windows."""
    number = builder.new_instance()
    _add_block(
        builder,
        body,
        _BUS,
        number,
        (-0.5, 0.5),
        (0.32, body.size[1]),
        (1.5, 0.42),
        body.color,
        2.6,
    )
    _add_wheels(builder, body, _BUS, number, (-0.28, 0.33), 0.48)


def add_truck(builder: SceneBuilder, body: Body, cab: np.ndarray) -> None:
    """A truck: a cab, and a higher closed body behind it."""
    number = builder.new_instance()
    height = body.size[1]
    _add_block(
        builder,
        body,
        _TRUCK,
        number,
        (-0.5, 0.2),
        (0.75, height),
        (0.0, 0.4),
        body.color,
        0.0,
    )
    _add_block(
        builder,
        body,
        _TRUCK,
        number,
        (0.23, 0.5),
        (0.4, 0.78 * height),
        (1.1, 0.5),
        cab,
        2.4,
    )
    hubs = (-0.36, -0.2, 0.36)
    _add_wheels(builder, body, _TRUCK, number, hubs, 0.5)


def add_train(builder: SceneBuilder, body: Body) -> None:
    """A tram of three cars with a dark gap between them."""
    number = builder.new_instance()
    height = body.size[1]
    gap = np.float32((0.16, 0.16, 0.17))
    for start, end, color in (
        (-0.5, -0.18, body.color),
        (-0.16, 0.16, body.color),
        (0.18, 0.5, body.color),
        (-0.5 + 0.02, 0.5 - 0.02, gap),
    ):
        narrow = color is gap
        top = height - 0.25 if narrow else height
        part = Body(
            body.x,
            body.z,
            body.heading,
            body.speed,
            color,
            (body.size[0] - 0.3 * narrow, height, body.size[2]),
        )
        _add_block(
            builder,
            part,
            _TRAIN,
            number,
            (start, end),
            (0.28, top),
            (0.0 if narrow else 1.9, 0.4),
            color,
            2.5,
        )
    feet = footprint(body.x, body.z, body.heading, body.size[0], body.size[2])
    velocity = (body.velocity[0], body.velocity[2])
    builder.add_shadow(feet, 0.8 * height, velocity)
