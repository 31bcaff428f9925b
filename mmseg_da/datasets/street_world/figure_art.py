# SPDX-License-Identifier: Apache-2.0
"""Outlines of people, riders and cycles."""

from __future__ import annotations

import numpy as np

from .pen import Paint, Part, Pen


def _head(pen: Pen, x: float, y: float, variant: int) -> None:
    pen.disc(x, y, 0.105, Part.SKIN, 0.13)
    hair = 0.11 if variant % 2 else 0.13
    pen.disc(x - 0.01, y + 0.06, hair, Part.HAIR, 0.085)
    if variant % 3 == 1:
        pen.disc(x - 0.06, y - 0.02, 0.07, Part.HAIR, 0.13)


def _person(canvas: np.ndarray, variant: int) -> None:
    pen = Pen(canvas)
    stride = (0.05, 0.24, 0.34, 0.12, 0.28, 0.18)[variant]
    swing = 0.6 * stride
    for side in (-1, 1):
        foot = side * stride
        pen.line(
            [(0.05 * side, 0.9), (0.62 * foot, 0.5), (foot, 0.06)],
            0.15,
            Part.LEGS,
        )
        pen.line([(foot - 0.02, 0.04), (foot + 0.10, 0.04)], 0.09, Part.DARK)
        hand = 0.22 * side + swing * side
        pen.line(
            [(0.19 * side, 1.42), (0.24 * side, 1.12), (hand, 0.88)],
            0.11,
            Part.TOP,
        )
        pen.disc(hand, 0.84, 0.05, Part.SKIN)
    torso = [(-0.22, 1.48), (0.22, 1.48), (0.18, 0.86), (-0.18, 0.86)]
    pen.fill(torso, Part.TOP)
    pen.line([(-0.15, 1.46), (0.15, 1.46)], 0.16, Part.TOP)
    if variant in (2, 5):
        hem = 0.34 if variant == 2 else 0.27
        pen.fill(
            [(-0.18, 1.0), (0.18, 1.0), (hem, 0.5), (-hem, 0.5)],
            Part.TOP if variant == 5 else Part.LEGS,
        )
    if variant in (1, 4):
        pen.fill(
            [(-0.38, 1.44), (-0.2, 1.5), (-0.18, 1.0), (-0.36, 1.0)],
            Part.DARK,
        )
    if variant == 3:
        pen.fill(
            [(0.26, 0.9), (0.46, 0.9), (0.46, 0.6), (0.26, 0.6)], Part.DARK
        )
    pen.line([(0, 1.5), (0, 1.6)], 0.1, Part.SKIN)
    _head(pen, 0.0, 1.7, variant)


def _wheel(pen: Pen, x: float, radius: float, width: float) -> None:
    pen.disc(x, radius + width / 2, radius, Part.METAL)
    pen.ring(x, radius + width / 2, radius, width, Part.DARK)
    pen.disc(x, radius + width / 2, 0.06, Part.DARK)


def _bicycle(canvas: np.ndarray, variant: int) -> None:
    pen = Pen(canvas)
    radius = (0.35, 0.33)[variant]
    for x in (-0.55, 0.55):
        _wheel(pen, x, radius, 0.075)
    hub, crank = radius, 0.34
    seat, bar = (-0.18, 0.88), (0.36, 0.94)
    low = (0.0, crank)
    if variant:
        pen.line([(-0.55, hub), low, (0.36, 0.62)], 0.07, Part.BODY)
        pen.line([low, seat], 0.06, Part.BODY)
    else:
        pen.line([(-0.55, hub), low, (0.4, 0.8), (-0.15, 0.76)], 0.07, 7)
        pen.line([low, seat, (-0.55, hub)], 0.06, Part.BODY)
    pen.line([(0.55, hub), (0.38, 0.84), bar], 0.07, Part.BODY)
    pen.line([(0.28, 1.0), (0.44, 0.96)], 0.06, Part.DARK)
    pen.line([(-0.3, 0.92), (-0.08, 0.92)], 0.09, Part.DARK)
    pen.line([(-0.1, 0.26), (0.1, 0.42)], 0.05, Part.DARK)


def _bicycle_rear(canvas: np.ndarray, variant: int) -> None:
    pen = Pen(canvas)
    pen.line([(0, 0.05), (0, 0.62)], 0.1, Part.DARK)
    pen.line([(0, 0.4), (0, 0.9)], 0.09, Part.BODY)
    pen.line([(-0.28, 0.98), (0.28, 0.98)], 0.06, Part.DARK)
    pen.line([(-0.1, 0.9), (0.1, 0.9)], 0.09, Part.DARK)
    pen.line([(-0.16, 0.3 + 0.1 * variant), (0.16, 0.36)], 0.05, Part.METAL)
    pen.fill([(-0.06, 0.66), (0.06, 0.66), (0.06, 0.58), (-0.06, 0.58)], 1)


def _motorcycle(canvas: np.ndarray, variant: int) -> None:
    pen = Pen(canvas)
    radius = (0.31, 0.24)[variant]
    for x in (-0.62, 0.62):
        _wheel(pen, x, radius, 0.14)
    if variant:
        pen.fill(
            [(-0.85, 0.5), (-0.2, 0.3), (0.3, 0.3), (0.3, 0.42), (-0.1, 0.75)],
            Part.BODY,
        )
        pen.fill([(-0.8, 0.8), (-0.7, 0.5), (0.1, 0.5), (-0.05, 0.8)], 7)
        pen.fill([(0.28, 0.3), (0.5, 0.4), (0.42, 1.0), (0.28, 1.0)], 7)
    else:
        pen.fill(
            [(-0.3, 0.22), (0.3, 0.2), (0.38, 0.6), (-0.32, 0.6)], Part.DARK
        )
        pen.disc(0.02, 0.4, 0.2, Part.METAL)
        pen.fill(
            [(-0.1, 0.66), (0.4, 0.6), (0.36, 0.86), (0.08, 0.92)], Part.BODY
        )
        pen.fill([(-0.85, 0.86), (-0.2, 0.56), (0, 0.72), (-0.1, 0.8)], 7)
    pen.line([(0.62, 0.32), (0.42, 0.98)], 0.1, Part.METAL)
    pen.line([(-0.7, 0.84), (-0.05, 0.82)], 0.13, Part.DARK)
    pen.line([(0.24, 1.04), (0.46, 0.98)], 0.07, Part.DARK)
    pen.disc(0.52, 0.84, 0.1, Part.METAL)


def _motorcycle_rear(canvas: np.ndarray, variant: int) -> None:
    pen = Pen(canvas)
    pen.line([(0, 0.1), (0, 0.6)], 0.2, Part.DARK)
    pen.fill([(-0.2, 0.4), (0.2, 0.4), (0.26, 0.84), (-0.26, 0.84)], 7)
    pen.line([(-0.36, 1.0), (0.36, 1.0)], 0.08, Part.DARK)
    pen.fill([(-0.1, 0.5), (0.1, 0.5), (0.1, 0.62), (-0.1, 0.62)], 6)
    pen.line([(-0.12, 0.76), (0.12, 0.76)], 0.08, Part.SKIN)
    pen.disc(-0.42, 1.12, 0.05 + 0.02 * variant, Part.DARK)
    pen.disc(0.42, 1.12, 0.05 + 0.02 * variant, Part.DARK)
    pen.line([(0.2, 0.34), (0.28, 0.6)], 0.11, Part.METAL)


def _rider(canvas: np.ndarray, variant: int) -> None:
    """A seated rider from the side; 2 and 3 sit upright on a motorcycle."""
    pen = Pen(canvas)
    motor = variant >= 2
    hip = (-0.22, 0.94)
    neck = (0.04, 1.48) if variant % 2 == 0 else (0.14, 1.42)
    foot = (0.16, 0.3) if motor else (0.06, 0.22)
    pen.line([hip, (0.2, 0.74), foot], 0.17, Part.LEGS)
    if not motor:
        pen.line([hip, (0.1, 0.86), (-0.02, 0.46)], 0.15, Part.LEGS)
    pen.line([foot, (foot[0] + 0.12, foot[1] - 0.02)], 0.1, Part.DARK)
    pen.line([hip, neck], 0.3, Part.TOP)
    pen.line([neck, (0.24, 1.16), (0.36, 1.02)], 0.12, Part.TOP)
    pen.disc(0.38, 1.0, 0.055, Part.SKIN)
    x, y = neck[0] + 0.07, neck[1] + 0.26
    _head(pen, x, y, variant)
    if motor:
        pen.disc(x, y + 0.02, 0.16, Part.BODY)
        pen.disc(x + 0.1, y, 0.07, Part.DARK)


def _rider_rear(canvas: np.ndarray, variant: int) -> None:
    pen = Pen(canvas)
    for side in (-1, 1):
        pen.line(
            [(0.1 * side, 0.92), (0.24 * side, 0.66), (0.17 * side, 0.28)],
            0.16,
            Part.LEGS,
        )
        pen.line([(0.17 * side, 0.26), (0.18 * side, 0.2)], 0.11, Part.DARK)
        pen.line(
            [(0.18 * side, 1.46), (0.34 * side, 1.2), (0.28 * side, 1.02)],
            0.12,
            Part.TOP,
        )
    pen.fill([(-0.24, 1.5), (0.24, 1.5), (0.2, 0.86), (-0.2, 0.86)], Part.TOP)
    pen.disc(0, 0.92, 0.21, Part.LEGS, 0.1)
    _head(pen, 0.0, 1.7, 0)
    if variant >= 2:
        pen.disc(0, 1.72, 0.16, Part.BODY)


#: Name, drawing, number of variants.
SHAPES: tuple[tuple[str, Paint, int], ...] = (
    ('person', _person, 6),
    ('bicycle', _bicycle, 2),
    ('bicycle_rear', _bicycle_rear, 2),
    ('motorcycle', _motorcycle, 2),
    ('motorcycle_rear', _motorcycle_rear, 2),
    ('rider', _rider, 4),
    ('rider_rear', _rider_rear, 4),
)
