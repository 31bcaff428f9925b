# SPDX-License-Identifier: Apache-2.0
"""Parameters of a StreetWorld domain; the defaults are those of ``real``.

Three groups: :class:`Layout` (what stands where, and the camera),
:class:`Look` (colours, textures and light) and :class:`Sensor` (from light to
grey levels). Every leaf is a number or a tuple of numbers, so that two domains
can be interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

Colors = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Counts:
    """Mean number of objects per street (Poisson means)."""

    person: float = 7.0
    bicycle_rider: float = 1.3
    motorcycle_rider: float = 0.8
    parked_bicycle: float = 1.4
    parked_motorcycle: float = 0.7
    bus: float = 0.35
    truck: float = 0.38
    train: float = 0.24
    car: float = 3.2
    tree: float = 13.0
    lamp: float = 4.0
    post: float = 4.0
    traffic_light: float = 2.4
    sign: float = 4.5
    wall_sign: float = 0.7
    clutter: float = 2.6


@dataclass(frozen=True)
class Layout:
    """Geometry; metres and degrees unless said otherwise."""

    fov: float = 52.0
    fov_spread: float = 2.0
    camera_height: float = 1.25
    camera_pitch: float = 1.6
    camera_yaw: float = 2.5
    camera_lateral: float = 0.45
    hood_height: float = 0.075
    road_width: float = 10.5
    sidewalk_width: float = 4.8
    verge_width: float = 1.6
    verge_share: float = 0.42
    building_share: float = 0.56
    park_share: float = 0.34
    cross_share: float = 0.12
    setback: float = 1.6
    garden_share: float = 0.3
    front_length: tuple[float, float] = (9.0, 20.0)
    building_height: tuple[float, float] = (8.0, 19.0)
    floor_height: float = 3.1
    window_pitch: float = 2.3
    window_width: float = 0.46
    window_height: float = 0.56
    pitched_roof: float = 0.62
    wall_share: float = 0.30
    fence_share: float = 0.36
    hedge_share: float = 0.34
    wall_height: tuple[float, float] = (1.1, 2.4)
    fence_height: tuple[float, float] = (1.0, 1.9)
    parked_share: float = 0.31
    car_shapes: tuple[float, float, float, float] = (0.3, 0.42, 0.16, 0.12)
    car_scale: float = 1.0
    tree_shapes: tuple[float, float, float] = (0.82, 0.18, 0.0)
    tree_height: tuple[float, float] = (5.0, 11.0)
    tree_width: float = 0.72
    pole_width: float = 0.16
    sign_size: float = 0.75
    sign_shapes: tuple[float, float, float, float] = (0.34, 0.28, 0.3, 0.08)
    light_size: float = 1.0
    crossing_share: float = 0.35
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True)
class Look:
    """Colours in [0, 1] (linear-free display values) and light."""

    facade: Colors = (
        (0.60, 0.55, 0.47),
        (0.53, 0.53, 0.52),
        (0.65, 0.60, 0.45),
        (0.50, 0.39, 0.35),
        (0.69, 0.68, 0.65),
        (0.44, 0.38, 0.33),
    )
    trim: tuple[float, float, float] = (0.72, 0.70, 0.66)
    window: tuple[float, float, float] = (0.21, 0.23, 0.25)
    roof: Colors = ((0.40, 0.24, 0.20), (0.30, 0.29, 0.30), (0.36, 0.27, 0.22))
    road: Colors = ((0.36, 0.36, 0.37), (0.33, 0.33, 0.33), (0.40, 0.39, 0.39))
    mark: tuple[float, float, float] = (0.72, 0.72, 0.70)
    sidewalk: Colors = ((0.52, 0.49, 0.49), (0.47, 0.46, 0.46))
    kerb: tuple[float, float, float] = (0.56, 0.55, 0.54)
    terrain: Colors = ((0.36, 0.41, 0.22), (0.42, 0.40, 0.26))
    foliage: Colors = (
        (0.22, 0.31, 0.15),
        (0.27, 0.34, 0.17),
        (0.20, 0.27, 0.16),
    )
    bark: tuple[float, float, float] = (0.28, 0.24, 0.20)
    wall: Colors = ((0.50, 0.47, 0.43), (0.45, 0.36, 0.31))
    fence: Colors = ((0.30, 0.33, 0.31), (0.45, 0.40, 0.33))
    pole: Colors = ((0.44, 0.45, 0.45), (0.34, 0.36, 0.36))
    paint: Colors = (
        (0.14, 0.15, 0.16),
        (0.55, 0.56, 0.57),
        (0.74, 0.74, 0.74),
        (0.20, 0.26, 0.38),
        (0.42, 0.12, 0.12),
        (0.32, 0.33, 0.34),
    )
    bus: Colors = ((0.66, 0.62, 0.30), (0.62, 0.24, 0.22), (0.60, 0.62, 0.64))
    truck: Colors = ((0.66, 0.66, 0.64), (0.26, 0.36, 0.52), (0.60, 0.4, 0.24))
    train: Colors = ((0.70, 0.68, 0.40), (0.52, 0.18, 0.18), (0.68, 0.7, 0.7))
    clothes: Colors = (
        (0.16, 0.17, 0.20),
        (0.26, 0.30, 0.40),
        (0.42, 0.20, 0.20),
        (0.50, 0.48, 0.44),
        (0.22, 0.26, 0.22),
        (0.58, 0.56, 0.56),
    )
    skin: Colors = ((0.66, 0.51, 0.43), (0.45, 0.32, 0.25))
    clutter: Colors = ((0.30, 0.34, 0.30), (0.42, 0.40, 0.38))
    hood: tuple[float, float, float] = (0.16, 0.17, 0.18)
    sky_top: tuple[float, float, float] = (0.66, 0.71, 0.77)
    sky_low: tuple[float, float, float] = (0.84, 0.85, 0.86)
    cloud: float = 0.30
    haze_color: tuple[float, float, float] = (0.74, 0.76, 0.78)
    haze: float = 0.0055
    sun: float = 0.34
    ambient: float = 0.84
    sun_color: tuple[float, float, float] = (1.0, 0.98, 0.95)
    sun_height: tuple[float, float] = (25.0, 60.0)
    shadow: float = 0.40
    shadow_blur: float = 0.55
    contact: float = 0.55
    texture: float = 0.11
    texture_scale: float = 1.0
    facade_texture: float = 0.08
    brick: float = 0.25
    shops: float = 0.35
    foliage_contrast: float = 0.50
    paving: float = 0.6
    gloss: float = 0.35
    lit: float = 0.06
    glow: float = 0.0
    color_jitter: float = 0.05


@dataclass(frozen=True)
class Sensor:
    """From light to grey levels."""

    exposure: float = 0.96
    exposure_spread: float = 0.07
    white_balance: tuple[float, float, float] = (0.97, 1.0, 1.02)
    contrast: float = 0.92
    saturation: float = 0.84
    gamma: float = 1.0
    blur: float = 0.42
    motion_blur: float = 0.35
    noise: float = 0.012
    vignette: float = 0.16


@dataclass(frozen=True)
class Domain:
    """All parameters of one domain."""

    layout: Layout = field(default_factory=Layout)
    look: Look = field(default_factory=Look)
    sensor: Sensor = field(default_factory=Sensor)


def interpolate(start: Any, end: Any, amount: float) -> Any:
    """Interpolates nested parameters linearly; exact at 0 and at 1."""
    if amount == 0.0:
        return start
    if amount == 1.0:
        return end
    if is_dataclass(start):
        mixed = {
            item.name: interpolate(
                getattr(start, item.name), getattr(end, item.name), amount
            )
            for item in fields(start)
        }
        return type(start)(**mixed)
    if isinstance(start, tuple):
        pairs = zip(start, end, strict=True)
        return tuple(interpolate(a, b, amount) for a, b in pairs)
    return start + amount * (end - start)
