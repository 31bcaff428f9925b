# SPDX-License-Identifier: Apache-2.0
"""The named domains of StreetWorld and the gap between them.

``real`` is the target. ``game`` and ``synthia`` are sources, ``hard`` is
``game`` with stronger tone differences, ``night`` and ``fog`` are variants of
``real``. The gap sits in content (palettes, textures, layout, shapes, object
frequencies, camera) rather than in tone, because small batch-normalised nets
break on tone and re-estimated statistics undo it.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from .game_domain import (
    GAME_COUNTS,
    GAME_LAYOUT,
    GAME_LOOK,
    GAME_SENSOR,
)
from .params import Domain, Layout, Look, Sensor, interpolate

TARGET = 'real'


def _synthia() -> Domain:
    counts = replace(
        GAME_COUNTS, person=8.0, car=3.4, tree=9.0, train=0.1, sign=3.6
    )
    layout = replace(
        GAME_LAYOUT,
        fov=70.0,
        fov_spread=10.0,
        camera_height=2.3,
        camera_pitch=3.5,
        camera_yaw=12.0,
        camera_lateral=2.6,
        hood_height=0.045,
        road_width=12.5,
        building_height=(7.0, 24.0),
        pitched_roof=0.3,
        tree_shapes=(0.5, 0.5, 0.0),
        car_shapes=(0.4, 0.3, 0.2, 0.1),
        counts=counts,
    )
    look = replace(
        GAME_LOOK,
        facade=(
            (0.70, 0.62, 0.50),
            (0.56, 0.50, 0.56),
            (0.60, 0.66, 0.60),
            (0.72, 0.52, 0.44),
            (0.78, 0.76, 0.70),
            (0.46, 0.50, 0.56),
        ),
        road=((0.30, 0.30, 0.33), (0.26, 0.27, 0.30), (0.34, 0.33, 0.35)),
        sidewalk=((0.66, 0.60, 0.58), (0.60, 0.60, 0.62)),
        foliage=((0.20, 0.36, 0.12), (0.26, 0.30, 0.08), (0.30, 0.36, 0.22)),
        shadow=0.18,
        shadow_blur=0.1,
        contact=0.15,
        sun=0.16,
        ambient=0.90,
        texture=0.05,
        facade_texture=0.03,
        brick=0.1,
        gloss=0.1,
        foliage_contrast=0.3,
    )
    return Domain(layout, look, replace(GAME_SENSOR, contrast=0.95))


def _hard() -> Domain:
    look = replace(GAME_LOOK, haze=0.001, sun=0.5, shadow=0.7, texture=0.24)
    sensor = replace(
        GAME_SENSOR,
        exposure=1.06,
        white_balance=(1.06, 1.0, 0.92),
        contrast=1.1,
        saturation=1.15,
        blur=0.0,
    )
    return Domain(GAME_LAYOUT, look, sensor)


def _night() -> Domain:
    look = replace(
        Look(),
        sky_top=(0.06, 0.07, 0.12),
        sky_low=(0.17, 0.15, 0.16),
        cloud=0.05,
        haze_color=(0.14, 0.13, 0.15),
        sun=0.03,
        ambient=0.42,
        sun_color=(0.7, 0.8, 1.0),
        shadow=0.15,
        lit=0.45,
        glow=1.0,
    )
    sensor = replace(
        Sensor(),
        noise=0.03,
        exposure=1.25,
        contrast=0.95,
        white_balance=(1.06, 1.0, 0.9),
    )
    return Domain(Layout(), look, sensor)


def _fog() -> Domain:
    look = replace(
        Look(),
        haze=0.035,
        haze_color=(0.76, 0.77, 0.78),
        sky_top=(0.76, 0.77, 0.78),
        sky_low=(0.77, 0.78, 0.79),
        cloud=0.0,
        sun=0.04,
        shadow=0.1,
        ambient=0.88,
    )
    return Domain(Layout(), look, replace(Sensor(), contrast=0.85))


_PRESETS: dict[str, Domain] = {
    'real': Domain(),
    'game': Domain(GAME_LAYOUT, GAME_LOOK, GAME_SENSOR),
    'hard': _hard(),
    'synthia': _synthia(),
    'night': _night(),
    'fog': _fog(),
}


def presets() -> tuple[str, ...]:
    """Names of the domains."""
    return tuple(_PRESETS)


def get_domain(preset: str, gap: float = 1.0) -> Domain:
    """Parameters of a preset at some distance to the target.

    Args:
        preset: One of :func:`presets`.
        gap: In [0, 1]; 0 gives the parameters of ``real`` exactly.

    Returns:
        The interpolated parameters.

    Raises:
        ValueError: Unknown preset or gap outside [0, 1].
    """
    if preset not in _PRESETS:
        near = get_close_matches(str(preset), _PRESETS, 1)
        hint = f' Did you mean {near[0]!r}?' if near else ''
        raise ValueError(
            f'Unknown StreetWorld preset {preset!r}; expected one of '
            f'{", ".join(_PRESETS)}.{hint}'
        )
    if not 0.0 <= gap <= 1.0:
        raise ValueError(
            f'gap={gap!r} is outside [0, 1]; 0 makes {preset!r} equal to '
            f'{TARGET!r}, 1 is the preset itself.'
        )
    return interpolate(_PRESETS[TARGET], _PRESETS[preset], float(gap))
