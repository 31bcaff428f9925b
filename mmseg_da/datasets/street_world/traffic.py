# SPDX-License-Identifier: Apache-2.0
"""Vehicles on the road and at its side.

Each ``add_*`` function draws one object from eight uniform numbers.
"""

from __future__ import annotations

import math

import numpy as np

from .cars import CAR_SIZES, add_car
from .params import Domain
from .random_streams import between, pick, tinted
from .scene import SceneBuilder
from .street import Plan
from .vehicles import Body, add_bus, add_train, add_truck


def _lane(plan: Plan, u: float, speed: float) -> tuple:
    """Lateral place, heading, speed of a vehicle on the road.

    Uniform ``u``: below one half ahead in the own lane, else oncoming. The
    own lane keeps its distance to the camera.
    """
    if u < 0.42:
        return plan.lane, 0.0, speed * (1 + 0.04 * (u - 0.21))
    return -plan.lane, math.pi, between(u, 4.0, 12.0)


def _car_body(
    domain: Domain, u: np.ndarray, shape: int, x, z, heading, speed
) -> Body:
    look = domain.look
    width, height, length = CAR_SIZES[shape]
    scale = domain.layout.car_scale * between(u[4], 0.94, 1.06)
    color = tinted(look.paint, u[5], u[6], look.color_jitter)
    size = (width * scale, height * (0.5 + 0.5 * scale), length * scale)
    return Body(x, z, heading, speed, color, size)


def add_moving_car(
    builder: SceneBuilder,
    domain: Domain,
    plan: Plan,
    u: np.ndarray,
    speed: float,
) -> None:
    """A car in a lane."""
    z = between(u[1] ** 1.2, 9.0, 70.0)
    x, heading, pace = _lane(plan, u[0], speed)
    shape = pick(u[2], domain.layout.car_shapes)
    x += between(u[3], -0.35, 0.35)
    body = _car_body(domain, u, shape, x, z, heading, pace)
    add_car(builder, body, shape)


def add_parked_car(
    builder: SceneBuilder,
    domain: Domain,
    plan: Plan,
    side: int,
    z: float,
    u: np.ndarray,
) -> None:
    """A car at the kerb."""
    blocked = plan.is_cross(side, z, 2.5) or abs(z - plan.zebra) < 4.5
    # a car right beside the camera would fill the labelled frame
    if blocked or (side > 0 and 0 < z < 5.5):
        return
    shape = pick(u[2], domain.layout.car_shapes)
    x = side * (plan.half - 1.08)
    heading = (0.0 if side > 0 or u[3] < 0.15 else math.pi) + 0.05 * (
        u[1] - 0.5
    )
    body = _car_body(domain, u, shape, x, z, heading, 0.0)
    add_car(builder, body, shape)


def add_long_vehicle(
    builder: SceneBuilder,
    domain: Domain,
    plan: Plan,
    u: np.ndarray,
    speed: float,
    name: str,
) -> None:
    """A bus, truck or train: driving, or standing at the right kerb."""
    look = domain.look
    colors = {'bus': look.bus, 'truck': look.truck, 'train': look.train}
    color = tinted(colors[name], u[2], u[3], look.color_jitter)
    z = between(u[1] ** 1.3, 14.0, 42.0)
    length = {'bus': 11.0, 'truck': 7.5, 'train': 26.0}[name]
    height = {'bus': 3.1, 'truck': 3.2, 'train': 3.5}[name]
    length *= between(u[4], 0.85, 1.15)
    size = (2.5, height * between(u[5], 0.94, 1.08), length)
    if name == 'train':
        x, heading, pace = -0.3 - 0.5 * plan.lane, math.pi, 7.0
        if u[0] < 0.4:
            heading, pace = 0.0, speed
        z = between(u[1] ** 1.3, 12.0, 40.0) + length / 2
    elif u[0] < 0.45:
        x, heading, pace = plan.half - 1.35, 0.0, 0.0
    else:
        x, heading, pace = _lane(plan, (u[0] - 0.45) / 0.55, speed)
    z += length / 3
    body = Body(x, z, heading, pace, color, size)
    if name == 'bus':
        add_bus(builder, body)
    elif name == 'truck':
        add_truck(
            builder, body, tinted(look.paint, u[6], u[7], look.color_jitter)
        )
    else:
        add_train(builder, body)
