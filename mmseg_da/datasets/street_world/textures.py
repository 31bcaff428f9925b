# SPDX-License-Identifier: Apache-2.0
"""Periodic noise tables indexed by world metres.

The tables are the same in every process; surfaces look them up at their own
coordinates, so that texture is fixed to the world and moves with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

TABLE = 512
_MASK = TABLE - 1


def _octave(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Smooth periodic noise with ``cells`` knots per side."""
    knots = rng.random((cells, cells), dtype=np.float32)
    padded = np.pad(knots, 2, mode='wrap')
    scale = TABLE // cells
    size = padded.shape[0] * scale
    grown = cv2.resize(padded, (size, size), interpolation=cv2.INTER_CUBIC)
    return grown[2 * scale : 2 * scale + TABLE, 2 * scale : 2 * scale + TABLE]


def _fractal(
    rng: np.random.Generator, first: int, octaves: int, fall: float
) -> np.ndarray:
    total = np.zeros((TABLE, TABLE), np.float32)
    for octave in range(octaves):
        total += _octave(rng, first << octave) * fall**octave
    total -= total.mean()
    return total / np.abs(total).max()


@dataclass(frozen=True)
class Textures:
    """Noise in about [-1, 1]; float32 ``(512 * 512,)`` each.

    Args:
        cloud: Large smooth shapes.
        grain: Middle and fine grain (asphalt, plaster).
        leaf: Clumps with dark gaps.
        white: Independent values in [0, 1), for per-cell choices.
    """

    cloud: np.ndarray
    grain: np.ndarray
    leaf: np.ndarray
    white: np.ndarray


@cache
def textures() -> Textures:
    """The tables (about 4 MiB, made once per process)."""
    rng = np.random.Generator(np.random.PCG64(20260101))
    cloud = _fractal(rng, 4, 5, 0.5)
    grain = _fractal(rng, 32, 4, 0.8)
    leaf = _fractal(rng, 32, 3, 0.6)
    leaf = 1 - 2 * np.abs(leaf) ** 0.7
    leaf -= leaf.mean()
    white = rng.random((TABLE, TABLE), dtype=np.float32)
    return Textures(*(t.ravel() for t in (cloud, grain, leaf, white)))


def lookup(
    table: np.ndarray, u: np.ndarray, v: np.ndarray, scale: float
) -> np.ndarray:
    """Nearest table value at ``(u, v)`` metres with ``scale`` texels/m."""
    column = (u * np.float32(scale)).astype(np.int32)
    row = (v * np.float32(scale)).astype(np.int32)
    return table[((row & _MASK) << 9) | (column & _MASK)]


def cell_noise(u: np.ndarray, v: np.ndarray, seed: np.ndarray) -> np.ndarray:
    """A value in [0, 1) per integer cell ``(u, v)`` and seed."""
    shift = seed.astype(np.int32)
    column = u.astype(np.int32) * 7 + shift * 31
    row = v.astype(np.int32) * 13 + shift * 17
    return textures().white[((row & _MASK) << 9) | (column & _MASK)]


def box_blend(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth 0..1 step of a float array between two bounds."""
    return np.clip((value - low) * np.float32(1 / (high - low)), 0, 1)
