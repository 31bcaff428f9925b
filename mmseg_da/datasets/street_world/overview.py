# SPDX-License-Identifier: Apache-2.0
"""What a preset looks like and how often its classes occur."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ..class_views import get_class_view
from .formats import Renderer
from .formats.raw_classes import COLOR_OF_ID
from .frame import LABELLED_TIME, Frame

__all__ = ['ClassFrequency', 'class_frequencies', 'contact_sheet']

_NEAR = 4.0  # metres drawn brightest in the depth row


class ClassFrequency(NamedTuple):
    """How often a class occurs.

    Attributes:
        name: Class name; the last one is void.
        pixels: Share of all pixels, in percent.
        images: Share of the images that show it, in percent.
    """

    name: str
    pixels: float
    images: float


def _depth_colors(depth: np.ndarray) -> np.ndarray:
    """Inverse depth as RGB colours, near is bright, sky is black."""
    near = np.clip(_NEAR / np.maximum(depth, _NEAR), 0, 1)
    grey = np.uint8(255 * np.sqrt(near))
    colors = cv2.applyColorMap(grey, cv2.COLORMAP_MAGMA)
    return cv2.cvtColor(colors, cv2.COLOR_BGR2RGB)


def _column(frame: Frame) -> np.ndarray:
    labels = COLOR_OF_ID['cityscapes'][frame.label]
    parts = (frame.image, labels, _depth_colors(frame.depth))
    return np.concatenate(parts, axis=0)


def contact_sheet(renderer: Renderer, streets: Sequence[int]) -> np.ndarray:
    """Streets side by side: image, labels in colour, depth.

    Args:
        renderer: Draws the streets.
        streets: Street numbers, one per column.

    Returns:
        uint8 ``(3 H, columns * W, 3)``, RGB.
    """
    columns = [_column(renderer.render(i, LABELLED_TIME)) for i in streets]
    return np.concatenate(columns, axis=1)


def class_frequencies(
    renderer: Renderer, streets: Sequence[int]
) -> list[ClassFrequency]:
    """Frequencies of the 19 Cityscapes classes and of void.

    Args:
        renderer: Draws the streets.
        streets: Street numbers.
    """
    view = get_class_view('cityscapes19')
    table, void = view.lut('cityscapes'), view.num_classes
    pixels, images = np.zeros(void + 1), np.zeros(void + 1)
    for street in streets:
        label = renderer.render(street, LABELLED_TIME).label
        ids = np.minimum(table[label], void)
        counts = np.bincount(ids.ravel(), minlength=void + 1)
        pixels += counts / label.size
        images += counts > 0
    scale = 100 / len(streets)
    names = (*view.classes, 'void')
    rows = zip(names, pixels * scale, images * scale, strict=True)
    return [ClassFrequency(n, float(p), float(i)) for n, p, i in rows]
