# SPDX-License-Identifier: Apache-2.0
"""Outlines of plants, signs and the own vehicle's hood."""

from __future__ import annotations

import math

import numpy as np

from .pen import Paint, Part, Pen


def _crown(canvas: np.ndarray, variant: int) -> None:
    """A round crown: a heap of discs."""
    rng = np.random.Generator(np.random.PCG64(100 + variant))
    pen = Pen(canvas)
    pen.disc(0, 1.0, 0.62, Part.BODY, 0.66)
    for turn, far, size in rng.random((26, 3)):
        angle = 2 * math.pi * turn
        reach = 0.45 + 0.3 * far
        radius = 0.12 + 0.14 * size
        pen.disc(
            reach * math.cos(angle),
            1.0 + reach * math.sin(angle),
            radius,
            Part.BODY,
        )
    for x, y, size in rng.random((5, 3)):
        pen.disc(1.2 * x - 0.6, 0.5 + y, 0.03 + 0.04 * size, 0)


def _conifer(canvas: np.ndarray, variant: int) -> None:
    rng = np.random.Generator(np.random.PCG64(200 + variant))
    pen = Pen(canvas)
    for tier in range(7):
        low, half = 0.06 + 0.25 * tier, 0.86 - 0.105 * tier
        tip = min(low + 0.62, 1.98)
        droop = 0.06 * rng.random(2)
        pen.fill(
            [(-half, low - droop[0]), (half, low - droop[1]), (0.0, tip)],
            Part.BODY,
        )


def _palm(canvas: np.ndarray, variant: int) -> None:
    rng = np.random.Generator(np.random.PCG64(300 + variant))
    pen = Pen(canvas)
    for frond, u in enumerate(rng.random(15)):
        angle = math.pi * (-0.16 + 1.32 * (frond + 0.6 * u) / 15)
        reach = 0.55 + 0.2 * u
        points = [
            (
                step * reach * 1.3 * math.cos(angle),
                1.05 + step * reach * math.sin(angle) - 0.7 * step**2,
            )
            for step in np.linspace(0, 1, 7)
        ]
        pen.line(points, 0.15, Part.BODY)
    pen.disc(0, 1.0, 0.18, Part.BODY)


def _hedge(canvas: np.ndarray, variant: int) -> None:
    """A long bush: a flat base with a bumpy top."""
    rng = np.random.Generator(np.random.PCG64(400 + variant))
    pen = Pen(canvas)
    rough = (0.05, 0.16, 0.3)[variant]
    pen.fill([(-1, 0), (1, 0), (1, 1.7 - rough), (-1, 1.7 - rough)], Part.BODY)
    for x, y in rng.random((30, 2)):
        pen.disc(2 * x - 1, 1.7 - rough * (0.4 + y), 0.14, Part.BODY)


def _skyline(canvas: np.ndarray, variant: int) -> None:
    """Distant trees or roofs that close the street."""
    rng = np.random.Generator(np.random.PCG64(500 + variant))
    pen = Pen(canvas)
    pen.fill([(-1, 0), (1, 0), (1, 1.1), (-1, 1.1)], Part.BODY)
    for x, y in rng.random((60, 2)):
        pen.disc(2 * x - 1, 0.9 + 0.6 * y, 0.06 + 0.08 * y, Part.BODY)


def _sign(canvas: np.ndarray, variant: int) -> None:
    """Disc, triangle, board, lozenge, octagon."""
    pen = Pen(canvas)
    if variant == 0:
        pen.disc(0, 1, 0.96, Part.BODY)
    else:
        corners, turn = ((3, 90), (4, 45), (4, 90), (8, 22.5))[variant - 1]
        angles = np.radians(turn + 360 / corners * np.arange(corners))
        radius = (1.1, 1.34, 1.0, 1.02)[variant - 1]
        centre = 0.76 if corners == 3 else 1.0
        pen.fill(
            [
                (radius * math.cos(a), centre + radius * math.sin(a))
                for a in angles
            ],
            Part.BODY,
        )


def _bonnet(canvas: np.ndarray, variant: int) -> None:
    """The own vehicle's hood: a low arch."""
    pen = Pen(canvas)
    pen.fill([(-1, 0), (1, 0), (1, 0.9), (-1, 0.9)], Part.BODY)
    pen.disc(0, 0.9, 1.5, Part.BODY, 0.9 + 0.1 * variant)


#: Name, drawing, number of variants.
SHAPES: tuple[tuple[str, Paint, int], ...] = (
    ('crown', _crown, 5),
    ('conifer', _conifer, 2),
    ('palm', _palm, 3),
    ('hedge', _hedge, 3),
    ('skyline', _skyline, 2),
    ('sign', _sign, 5),
    ('hood', _bonnet, 1),
)
