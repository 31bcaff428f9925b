# SPDX-License-Identifier: Apache-2.0
"""Vehicles, people, signs and lights: colour of the visible samples."""

from __future__ import annotations

import numpy as np

from .materials import Samples, Shaded, Shader, blend, scaled
from .scene import Kind
from .silhouettes import SIZE, silhouettes
from .textures import box_blend, cell_noise

_TYRE = np.float32((0.07, 0.07, 0.075))
_GLASS = np.float32((0.10, 0.12, 0.14))
_RED = np.float32((0.62, 0.08, 0.07))
_WHITE = np.float32((0.86, 0.86, 0.84))


def _paint(s: Samples) -> Shaded:
    """Car body from above and behind: a sheen of the sky."""
    color = scaled(s.color, 0.94 + 0.08 * s.v)
    return blend(color, s.look.sky_low, _sheen(s, 0.22)), None


def _sheen(s: Samples, amount: float) -> np.ndarray:
    return np.full(s.u.size, amount * s.look.gloss, np.float32)


def _car_side(s: Samples) -> Shaded:
    """Doors, sill and a highlight below the belt line.

    Parameters: length, height of the side.
    """
    u = s.u / s.param(0)
    rise = s.v / s.param(1)
    color = scaled(s.color, 0.62 + 0.42 * rise)
    blend(color, s.look.sky_low, _sheen(s, 0.3) * box_blend(rise, 0.6, 0.9))
    seam = (np.abs(np.abs(u - 0.5) - 0.02) < 0.008) | (
        np.abs(np.abs(u - 0.5) - 0.22) < 0.006
    )
    seam |= rise < 0.12
    color = scaled(color, 1 - 0.45 * (seam & (s.depth < 30)))
    for hub in (0.19, 0.81):
        arch = ((u - hub) * s.param(0)) ** 2 + (s.v + 0.02) ** 2 < 0.16
        blend(color, _TYRE, arch.astype(np.float32))
    return color, None


def _glass(s: Samples) -> Shaded:
    """Windows of a car; params: length, height, and 1 for pillars."""
    u = s.u / s.param(0)
    rise = s.v / s.param(1)
    color = np.repeat(_GLASS[:, None], u.size, axis=1)
    streak = box_blend(rise, 0.1, 1.0) * np.float32(0.18 + 0.3 * s.look.gloss)
    blend(color, s.look.sky_low, streak)
    frame = (rise < 0.08) | (rise > 0.9)
    pillar = (np.abs(u - 0.5) < 0.025) | (u < 0.07) | (u > 0.93)
    frame |= pillar & (s.param(2) > 0.5)
    return blend(color, s.color, frame.astype(np.float32)), None


def _car_end(s: Samples) -> Shaded:
    """Front or rear; params: width, height, 1 for the front."""
    u = np.abs(s.u / s.param(0) - 0.5)
    rise = s.v / s.param(1)
    front = s.param(2) > 0.5
    color = scaled(s.color, 0.72 + 0.3 * rise)
    bumper = rise < 0.28
    color = scaled(color, 1 - 0.4 * bumper)
    grille = front & (u < 0.24) & (np.abs(rise - 0.52) < 0.17)
    blend(color, _TYRE, grille * np.float32(0.85))
    plate = (u < 0.15) & (np.abs(rise - np.where(front, 0.24, 0.5)) < 0.09)
    blend(color, _WHITE, plate * np.float32(0.9))
    lamp = (u > 0.33) & (u < 0.48) & (np.abs(rise - 0.7) < 0.15)
    lamp_color = np.where(front, _WHITE[:, None], _RED[:, None])
    color = np.where(lamp, lamp_color, color)
    if s.look.glow == 0:
        return color, None
    return color, lamp * lamp_color * np.float32(s.look.glow)


def _wheel(s: Samples) -> Shaded:
    """Tyre and rim; param 0 is the radius."""
    radius = s.param(0)
    edge = radius * np.float32(0.4142)
    far = np.hypot(s.u - edge, s.v - radius) / radius
    color = np.repeat(_TYRE[:, None], far.size, axis=1)
    rim = (far < 0.62) & (far > 0.16)
    return blend(color, (0.42, 0.43, 0.44), rim * np.float32(0.8)), None


def _coach(s: Samples) -> Shaded:
    """Buses, trams and cabs: a band of windows.

    Parameters: width, height of the face, window pitch (0 = none), lower
    edge of the windows as a fraction.
    """
    width, height, pitch, sill = (s.param(i) for i in range(4))
    u, rise = s.u, s.v / height
    color = scaled(s.color, 0.8 + 0.25 * rise)
    belt = (rise > sill - 0.1) & (rise < sill - 0.04)
    blend(color, _WHITE, belt * np.float32(0.5))
    skirt = rise < 0.12
    color = scaled(color, 1 - 0.55 * skirt)
    has = pitch > 0
    safe = np.where(has, pitch, 1)
    part = np.mod(u - 0.15, safe) / safe
    pane = has & (rise > sill) & (rise < 0.86) & (part > 0.08)
    door = has & (np.mod(u, np.float32(5.5)) < 1.2) & (rise > 0.1)
    pane |= door & (rise < 0.86) & (np.mod(u, np.float32(5.5)) > 0.1)
    pane &= (u > 0.15) & (u < width - 0.15)
    shade = 0.9 + 0.5 * cell_noise(np.floor(u / safe), 0 * u, 0 * u)
    glass = _GLASS[:, None] * shade
    blend(glass, s.look.sky_low, rise * np.float32(0.3 * s.look.gloss))
    color = np.where(pane, glass, color)
    rib = ~has & (np.mod(u, np.float32(1.2)) < 0.07)
    color = scaled(color, (1 - 0.2 * rib).astype(np.float32))
    if s.look.glow == 0:
        return color, None
    warm = np.float32((0.5, 0.44, 0.3)) * np.float32(0.7 * s.look.glow)
    return color, pane * warm[:, None]


def _part_at(s: Samples, shape: np.ndarray) -> np.ndarray:
    """Part numbers of figures; params 0 and 1 are the card's sides."""
    limit = SIZE - 1
    column = (s.u / s.param(0) * limit + 0.5).astype(np.int32)
    row = (limit - s.v / s.param(1) * limit + 0.5).astype(np.int32)
    column = np.clip(column, 0, limit)
    row = np.clip(row, 0, limit)
    return silhouettes().parts[shape, row, column]


def _figure(s: Samples) -> Shaded:
    """People and cycles in the colours of their parts; param 2: row."""
    shape = s.scene.silhouette[s.patch]
    part = _part_at(s, shape)
    row = s.param(2).astype(np.int32)
    color = s.scene.figures[row, part].T.copy()
    across = s.u / s.param(0) - 0.5
    factor = 1.0 - 0.9 * across + 0.12 * s.v / s.param(1)
    return scaled(color, factor * s.grain(0.05, 0.3)), None


def _sign(s: Samples) -> Shaded:
    """Road signs; params: width, height, design 0..4, seed."""
    u = s.u / s.param(0) * 2 - 1
    v = s.v / s.param(1) * 2 - 1
    design = s.param(2)
    far = np.hypot(u, v)
    bar = (np.abs(v) < 0.22) & (np.abs(u) < 0.62)
    color = s.color
    ring = (design == 0) & (far < 0.68)
    blend(color, _WHITE, ring.astype(np.float32))
    level = v + 0.28
    inner = (level > -0.42) & (level < 0.72 - 1.75 * np.abs(u))
    blend(color, _WHITE, ((design == 1) & inner).astype(np.float32))
    board = (design == 2) & (np.abs(v) < 0.8) & (np.abs(u) < 0.8)
    text = board & (np.mod(v * 3, 2) < 0.7) & (np.abs(u) < 0.6)
    blend(color, _WHITE, text * np.float32(0.8))
    blend(color, _WHITE, ((design == 4) & bar).astype(np.float32))
    ink = ((design == 0) | (design == 3)) & bar & (np.abs(u) < 0.4)
    blend(color, (0.12, 0.12, 0.13), ink.astype(np.float32))
    return color, None


def _light(s: Samples) -> Shaded:
    """A traffic light's box; params: width, height, lit lamp 0..2."""
    u = (s.u / s.param(0) - 0.5) * s.param(0)
    third = np.clip(np.floor(3 * s.v / s.param(1)), 0, 2)
    v = s.v - (third + 0.5) * s.param(1) / 3
    lamp = np.hypot(u, v) < 0.34 * s.param(0)
    on = lamp & (third == s.param(2))
    hues = np.float32(
        ((0.10, 0.75, 0.38), (0.95, 0.66, 0.10), (0.92, 0.13, 0.10))
    )
    hue = hues.T[:, third.astype(np.int32)]
    color = s.color
    color = np.where(lamp, hue * np.float32(0.22), color)
    glow = on * hue * np.float32(0.75 + 0.3 * s.look.glow)
    return color, glow


OBJECT_SHADERS: dict[Kind, Shader] = {
    Kind.PAINT: _paint,
    Kind.CAR_SIDE: _car_side,
    Kind.GLASS: _glass,
    Kind.CAR_END: _car_end,
    Kind.WHEEL: _wheel,
    Kind.COACH: _coach,
    Kind.FIGURE: _figure,
    Kind.SIGN: _sign,
    Kind.LIGHT: _light,
}
