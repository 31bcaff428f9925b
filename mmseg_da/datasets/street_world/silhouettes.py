# SPDX-License-Identifier: Apache-2.0
"""Shaped outlines of people, cycles, plants and signs.

Each shape is drawn once per process as a map of parts on a square canvas;
its outline is kept as a signed distance, so that it stays smooth at any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from . import figure_art, plant_art

SIZE = 160
_CANVAS = 4 * SIZE


@dataclass(frozen=True)
class Silhouettes:
    """All shapes.

    Args:
        rows: name -> rows of its variants.
        distance: float32 ``(n, 160, 160)``, positive inside, about [-1, 1].
        parts: uint8 ``(n, 160, 160)``, part numbers 0..7 (0 outside).
    """

    rows: dict[str, tuple[int, ...]]
    distance: np.ndarray
    parts: np.ndarray

    def row(self, name: str, u: float) -> int:
        """One variant of a shape for uniform ``u``."""
        variants = self.rows[name]
        return variants[min(int(u * len(variants)), len(variants) - 1)]


def _distance(parts: np.ndarray) -> np.ndarray:
    """Signed distance of a canvas, downsampled, in table texels / 8."""
    inside = (parts > 0).astype(np.uint8)
    padded = cv2.copyMakeBorder(inside, 8, 8, 8, 8, cv2.BORDER_CONSTANT)
    inner = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    outer = cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5)
    signed = np.clip((inner - outer)[8:-8, 8:-8] / 32, -1, 1)
    return cv2.resize(signed, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


@cache
def silhouettes() -> Silhouettes:
    """Draws every shape; the same in every process."""
    rows: dict[str, list[int]] = {}
    distance, parts = [], []
    for name, paint, count in figure_art.SHAPES + plant_art.SHAPES:
        rows[name] = list(range(len(parts), len(parts) + count))
        for variant in range(count):
            canvas = np.zeros((_CANVAS, _CANVAS), np.uint8)
            paint(canvas, variant)
            distance.append(_distance(canvas))
            parts.append(canvas[2::4, 2::4].copy())
    return Silhouettes(
        rows={name: tuple(values) for name, values in rows.items()},
        distance=np.stack(distance),
        parts=np.stack(parts),
    )
