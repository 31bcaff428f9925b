# SPDX-License-Identifier: Apache-2.0
"""Label maps to polygons in drawing order."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ['label_polygons']


def _outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Outer contours (n, 2) of the connected parts of a mask."""
    found, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    return [contour[:, 0] for contour in found]


def label_polygons(
    label: np.ndarray, instance: np.ndarray
) -> list[tuple[int, list[list[int]]]]:
    """Polygons that give the label map when drawn one after the other.

    An outline covers the holes of its region too; what lies in a hole is
    smaller and comes later, as in the layered annotation of Cityscapes.

    Args:
        label: uint8 ``(H, W)``, label ids.
        instance: uint16 ``(H, W)``; parts of different instances are kept
            apart.

    Returns:
        ``(label id, [[x, y], ...])`` with at least three points each,
        largest first.
    """
    key = label.astype(np.int64) << 16 | instance
    regions = []
    for value in np.unique(key):
        for outline in _outlines(key == value):
            area = cv2.contourArea(outline)
            points = outline.tolist()
            points += [points[-1]] * (3 - len(points))
            regions.append((area, int(value) >> 16, points))
    regions.sort(key=lambda region: -region[0])
    return [(label_id, points) for _, label_id, points in regions]
