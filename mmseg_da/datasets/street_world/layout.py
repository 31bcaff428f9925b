# SPDX-License-Identifier: Apache-2.0
"""Builds a street from uniform random numbers and a domain's parameters.

The numbers are drawn first, all of them and always in the same amount; the
domain only decides how they are mapped and how many of the prepared objects
appear. The same object therefore has the same numbers at any gap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from . import furniture, people, traffic
from .frame import SNIPPET_LENGTH, Camera
from .motion import CameraPath, draw_camera
from .params import Domain
from .random_streams import poisson_count, stream
from .scene import Kind, Scene, SceneBuilder, Surface
from .shadows import Light, draw_light
from .silhouettes import silhouettes
from .street import (
    PLAN_DRAWS,
    SLOT_DRAWS,
    SLOTS,
    Plan,
    add_backdrop,
    add_fronts,
    add_ground,
    make_plan,
)

_PARKED = 20
_PARKED_STEP = 6.3
_HOOD_DISTANCE = 0.6
_LONG = ('bus', 'truck', 'train')
#: Most objects of each kind in a street.
LIMITS = {
    'person': 16,
    'bicycle_rider': 5,
    'motorcycle_rider': 4,
    'parked_bicycle': 6,
    'parked_motorcycle': 4,
    'bus': 2,
    'truck': 2,
    'train': 1,
    'car': 10,
    'tree': 20,
    'lamp': 12,
    'post': 12,
    'traffic_light': 8,
    'sign': 12,
    'wall_sign': 3,
    'clutter': 9,
}


@dataclass(frozen=True)
class StreetDraws:
    """All uniform numbers of a street, in [0, 1); no parameter enters.

    Args:
        plan: ``(16,)``.
        fronts: ``(2, 26, 16)``.
        camera: ``(8,)``.
        path: ``(109,)``.
        light: ``(4,)``.
        sensor: ``(4,)``.
        parked: ``(2, 20, 8)``.
        counts: kind -> number that decides how many appear.
        objects: kind -> ``(limit, 8)``.
    """

    plan: np.ndarray
    fronts: np.ndarray
    camera: np.ndarray
    path: np.ndarray
    light: np.ndarray
    sensor: np.ndarray
    parked: np.ndarray
    counts: dict[str, float]
    objects: dict[str, np.ndarray]


@dataclass(frozen=True)
class Street:
    """A street ready to be rendered at any frame of its snippet.

    Args:
        scene: Its patches.
        camera: The camera.
        path: Where the camera is at every frame.
        light: The sun.
        sensor_draws: ``(4,)`` uniform numbers for the exposure.
    """

    scene: Scene
    camera: Camera
    path: CameraPath
    light: Light
    sensor_draws: np.ndarray


def street_draws(seed: int, preset: str, index: int) -> StreetDraws:
    """Draws the numbers of one street; independent of the gap."""

    def draw(name: str, *shape: int) -> np.ndarray:
        return stream(seed, preset, index, name).random(shape)

    kinds = {
        kind: draw(f'layout/{kind}', limit + 1, 8)
        for kind, limit in LIMITS.items()
    }
    return StreetDraws(
        plan=draw('layout/plan', PLAN_DRAWS),
        fronts=draw('layout/fronts', 2, SLOTS, SLOT_DRAWS),
        camera=draw('layout/camera', 8),
        path=draw('layout/path', 16 + 3 * (SNIPPET_LENGTH + 1)),
        light=draw('appearance/light', 4),
        sensor=draw('appearance/sensor', 4),
        parked=draw('layout/parked', 2, _PARKED, 8),
        counts={kind: float(rows[0, 0]) for kind, rows in kinds.items()},
        objects={kind: rows[1:] for kind, rows in kinds.items()},
    )


def _adders(
    builder: SceneBuilder, domain: Domain, plan: Plan, speed: float
) -> dict[str, Callable[[np.ndarray], None]]:
    """The function that adds an object, by kind."""
    base = (builder, domain, plan)

    def fixed(function: Callable) -> Callable:
        return partial(function, *base)

    adders = {
        'tree': fixed(furniture.add_tree),
        'lamp': fixed(furniture.add_lamp),
        'post': fixed(furniture.add_post),
        'traffic_light': fixed(furniture.add_traffic_light),
        'sign': fixed(furniture.add_sign),
        'wall_sign': fixed(furniture.add_wall_sign),
        'clutter': fixed(furniture.add_clutter),
        'person': fixed(people.add_person),
        'car': partial(traffic.add_moving_car, *base, speed=speed),
    }
    for name in _LONG:
        adders[name] = partial(
            traffic.add_long_vehicle, *base, speed=speed, name=name
        )
    for name in ('bicycle', 'motorcycle'):
        for kind, ridden in (
            (f'{name}_rider', True),
            (f'parked_{name}', False),
        ):
            adders[kind] = partial(
                people.add_cycle, *base, speed=speed, name=name, ridden=ridden
            )
    return adders


def _add_objects(
    builder: SceneBuilder,
    domain: Domain,
    plan: Plan,
    draws: StreetDraws,
    speed: float,
) -> None:
    means = asdict(domain.layout.counts)
    adders = _adders(builder, domain, plan, speed)
    for kind, limit in LIMITS.items():
        count = poisson_count(draws.counts[kind], means[kind], limit)
        for slot in range(count):
            builder.names.append(f'{kind}/{slot}')
            adders[kind](u=draws.objects[kind][slot])
    for side, rows in zip((-1, 1), draws.parked, strict=True):
        for slot, u in enumerate(rows):
            if u[0] < domain.layout.parked_share:
                builder.names.append(f'parked/{side}/{slot}')
                z = -26 + _PARKED_STEP * (slot + 0.6 * u[7])
                traffic.add_parked_car(builder, domain, plan, side, z, u)


def _add_hood(builder: SceneBuilder, domain: Domain, camera: Camera) -> None:
    """The own vehicle's hood, a card fixed to the camera."""
    tall = domain.layout.hood_height * camera.height * 1.1
    scale = _HOOD_DISTANCE / camera.fx
    half = 0.55 * camera.width * scale
    low = (camera.height - camera.cy) * scale
    high = low - tall * scale
    quad = [
        (-half, low, _HOOD_DISTANCE),
        (half, low, _HOOD_DISTANCE),
        (half, high, _HOOD_DISTANCE),
        (-half, high, _HOOD_DISTANCE),
    ]
    surface = Surface(
        Kind.HOOD,
        1,
        domain.look.hood,
        (low - high,),
        silhouette=silhouettes().rows['hood'][0],
    )
    builder.add(np.array(quad), surface, attached=True)


def build_street(
    domain: Domain, size: tuple[int, int], draws: StreetDraws, hood: bool
) -> Street:
    """The street that the numbers mean in a domain.

    Args:
        domain: Parameters.
        size: Image ``(width, height)`` in pixels.
        draws: See :func:`street_draws`.
        hood: Whether the own vehicle's hood is in view.
    """
    plan = make_plan(domain, draws.plan, draws.fronts)
    camera = draw_camera(domain.layout, size, draws.camera)
    path = CameraPath(domain.layout, camera, draws.path, plan.lane)
    builder = SceneBuilder()
    add_ground(builder, domain, plan, draws.plan)
    add_fronts(builder, domain, plan)
    add_backdrop(builder, domain, draws.plan)
    _add_objects(builder, domain, plan, draws, path.speed)
    if hood:
        _add_hood(builder, domain, camera)
    light = draw_light(domain.look, draws.light)
    return Street(builder.finish(), camera, path, light, draws.sensor)
