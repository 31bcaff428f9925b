# SPDX-License-Identifier: Apache-2.0
"""Drawing of part maps in figure coordinates.

Coordinates: ``x`` in [-1, 1] from left to right, ``y`` in [0, 2] from the
bottom upwards; a canvas shows two by two units.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

import cv2
import numpy as np

Paint = Callable[[np.ndarray, int], None]


class Part(IntEnum):
    """Parts of figures; colours are chosen per figure."""

    SKIN = 1
    HAIR = 2
    TOP = 3
    LEGS = 4
    DARK = 5
    METAL = 6
    BODY = 7


class Pen:
    """Draws on a canvas in figure coordinates."""

    def __init__(self, canvas: np.ndarray) -> None:
        self.canvas = canvas
        self.unit = canvas.shape[0] / 2

    def _point(self, x: float, y: float) -> tuple[int, int]:
        return round((x + 1) * self.unit), round((2 - y) * self.unit)

    def disc(self, x, y, radius, part, height=None) -> None:
        axes = round(radius * self.unit), round((height or radius) * self.unit)
        cv2.ellipse(
            self.canvas, self._point(x, y), axes, 0, 0, 360, int(part), -1
        )

    def ring(self, x, y, radius, width, part) -> None:
        cv2.circle(
            self.canvas,
            self._point(x, y),
            round(radius * self.unit),
            int(part),
            max(round(width * self.unit), 1),
        )

    def line(self, points, width, part) -> None:
        corners = np.array([self._point(*point) for point in points])
        size = max(round(width * self.unit), 1)
        cv2.polylines(self.canvas, [corners], False, int(part), size)
        for point in corners.tolist():
            cv2.circle(self.canvas, point, size // 2, int(part), -1)

    def fill(self, points, part) -> None:
        corners = np.array([self._point(*point) for point in points])
        cv2.fillPoly(self.canvas, [corners], int(part))
