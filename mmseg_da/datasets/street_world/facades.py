# SPDX-License-Identifier: Apache-2.0
"""Buildings, walls and fences: colour of the visible samples."""

from __future__ import annotations

import numpy as np

from .materials import Samples, Shaded, Shader, blend, scaled
from .scene import Kind
from .textures import box_blend, cell_noise

_GLOW = np.float32((0.95, 0.72, 0.38))


def _bricks(s: Samples, width: float, height: float) -> np.ndarray:
    """Brightness factor of brick courses, fading with distance."""
    u, v = s.texture_u, s.texture_v
    course = np.floor(v / np.float32(height))
    shift = u / np.float32(width) + 0.5 * np.mod(course, 2)
    joint = (np.mod(v, np.float32(height)) < 0.18 * height) | (
        np.mod(shift, 1) < 0.1
    )
    tone = cell_noise(np.floor(shift), course, np.zeros_like(u))
    fade = s.look.brick / (1 + 0.08 * s.depth)
    return 1 + fade * (0.35 * (tone - 0.5) + 0.18 * joint)


def _windows(s: Samples, u: np.ndarray, rise: np.ndarray) -> tuple:
    """Glass and frame masks of the upper floors and their cells."""
    pitch, floor, size = s.param(0), s.param(1), s.param(2)
    column = np.floor(u / pitch)
    row = np.floor(rise / floor)
    across = np.abs(u / pitch - column - 0.5) * pitch
    upward = np.abs(rise / floor - row - 0.52) * floor
    half_width = 0.5 * size * pitch
    half_height = 0.5 * s.param(3) * floor
    glass = (across < half_width) & (upward < half_height)
    frame = (across < half_width + 0.14) & (upward < half_height + 0.16)
    glass &= across > 0.035
    return glass, frame, column, row


def _ground_floor(s: Samples, u: np.ndarray, height: np.ndarray) -> tuple:
    """Glass, shop signs and their hue on the ground floor.

    A stretch of nine metres is either a row of shops or of small windows and
    doors.
    """
    seed = s.param(5)
    stretch = np.floor(u * np.float32(1 / 9))
    zero = np.zeros_like(u)
    shops = cell_noise(stretch, zero, seed + 3) < s.look.shops
    part = np.mod(u, np.float32(3.2))
    pane = (s.v > 0.5) & (s.v < height - 0.75) & (part > 0.3) & (part < 2.9)
    window = (np.abs(part - 1.6) < 0.55) & (s.v > 1.0) & (s.v < height - 0.9)
    door = (np.mod(u, np.float32(6.4)) < 1.2) & (s.v < 2.2)
    glass = np.where(shops, pane, window | door)
    sign = shops & (s.v > height - 0.7) & (s.v < height - 0.15)
    return glass, sign, cell_noise(stretch, zero + 1, seed)


def _facade(s: Samples) -> Shaded:
    """Plaster or brick with rows of windows over a ground floor.

    Parameters: window pitch, floor height, window width and height as
    fractions of these, texture origin, seed.
    """
    look = s.look
    u = s.texture_u
    ground = s.param(1) * 1.15
    rise = s.v - ground
    upper = rise > 0
    glass, frame, column, row = _windows(s, u, rise)
    color = scaled(s.color, s.grain(look.facade_texture, 1.0))
    color = scaled(color, _bricks(s, 0.5, 0.17))
    blend(color, look.trim, (frame & upper) * np.float32(0.55))
    band = (np.abs(rise) < 0.14) | (s.v < 0.35)
    blend(color, np.float32(look.trim) * 0.8, band * np.float32(0.6))
    low_glass, sign, hue = _ground_floor(s, u, ground)
    glass = np.where(upper, glass, low_glass)
    where = np.flatnonzero(sign & ~upper)
    hue = hue[where]
    fascia = [0.2 + 0.45 * hue, 0.48 - 0.3 * hue, 0.25 + 0.2 * hue]
    color[:, where] = np.stack(fascia)
    where = np.flatnonzero(glass)
    chance = cell_noise(column[where], row[where], s.param(5)[where])
    pane = np.float32(look.window)[:, None] * (0.55 + 0.9 * chance)
    shine = np.float32(0.25 * look.gloss) * (0.5 + chance)
    color[:, where] = blend(pane, look.sky_low, shine)
    color = scaled(color, 0.74 + 0.26 * box_blend(s.v, 0.0, 1.8))
    if look.lit == 0:
        return color, None
    glow = np.zeros_like(color)
    lit = np.float32(0.3 + 0.4 * look.glow) * (chance < look.lit)
    glow[:, where] = lit * _GLOW[:, None]
    return color, glow


def _roof(s: Samples) -> Shaded:
    """Tiles in courses."""
    course = np.mod(s.v, np.float32(0.4)) < 0.1
    fade = 1 / (1 + 0.03 * s.depth)
    factor = s.grain(s.look.facade_texture, 0.8) * (1 - 0.25 * fade * course)
    return scaled(s.color, factor), None


def _wall(s: Samples) -> Shaded:
    """A low wall of stones with a coping; param 0 is its height."""
    color = scaled(s.color, s.grain(1.2 * s.look.texture, 0.8))
    stones = _bricks(s, 0.9, 0.36)
    color = scaled(color, 1 + 1.6 * (stones - 1))
    coping = s.v > s.param(0) - 0.14
    color = scaled(color, 1 + 0.18 * coping)
    foot = 0.7 + 0.3 * box_blend(s.v, 0.0, 0.7)
    return scaled(color, foot), None


def _fence(s: Samples) -> Shaded:
    """Bars or boards before a dark ground; params: height, bar pitch."""
    pitch = s.param(1)
    bar = np.mod(s.texture_u, pitch) < 0.42 * pitch
    post = np.mod(s.texture_u, np.float32(2.5)) < 0.12
    height = s.param(0)
    rail = (np.abs(s.v - 0.88 * height) < 0.05) | (
        np.abs(s.v - 0.15 * height) < 0.05
    )
    solid = (bar | post | rail).astype(np.float32)
    fade = box_blend(s.depth, 10.0, 45.0)
    solid += fade * (np.float32(0.5) - solid)
    behind = np.float32(s.look.foliage[0]) * 0.7
    color = scaled(s.color, s.grain(0.08, 1.0))
    return blend(color, behind, (1 - solid) * np.float32(0.75)), None


FACADE_SHADERS: dict[Kind, Shader] = {
    Kind.FACADE: _facade,
    Kind.ROOF: _roof,
    Kind.WALL: _wall,
    Kind.FENCE: _fence,
}
