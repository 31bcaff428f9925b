# SPDX-License-Identifier: Apache-2.0
"""The sun, and its shadows on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .frame import FRAME_RATE, LABELLED_TIME, Pose
from .params import Look
from .random_streams import between
from .scene import Scene

_CELL = 0.2
_SHADOW_SHAPE = (320, 240)
#: Higher bodies cast no longer shadows, or every street would lie in shade.
_TALLEST = 8.0


@dataclass(frozen=True)
class Light:
    """Sun of one street.

    Args:
        direction: float64 ``(3,)``, unit vector towards the sun (y down).
        drift: Offset of the clouds in table texels.
    """

    direction: np.ndarray
    drift: float


def draw_light(look: Look, draws: np.ndarray) -> Light:
    """Sun direction and clouds from uniform ``draws`` ``(4,)``."""
    height = math.radians(between(draws[0], *look.sun_height))
    azimuth = 2 * math.pi * draws[1]
    direction = np.array(
        [
            math.cos(height) * math.sin(azimuth),
            -math.sin(height),
            math.cos(height) * math.cos(azimuth),
        ]
    )
    return Light(direction, float(512 * draws[2]))


class ShadowMap:
    """Shadows on the ground around the camera, seen from above.

    Cells are anchored in the world, so that shadows of still things stand
    still.
    """

    def __init__(
        self, scene: Scene, look: Look, light: Light, pose: Pose, time: int
    ) -> None:
        rows, columns = _SHADOW_SHAPE
        self.x0 = math.floor(pose.matrix[0, 3]) - columns * _CELL / 2
        self.z0 = math.floor(pose.matrix[2, 3]) - 2.0
        seconds = (time - LABELLED_TIME) / FRAME_RATE
        feet = scene.shadows + scene.shadow_velocity[:, None] * seconds
        slope = light.direction[[0, 2]] / max(-light.direction[1], 0.3)
        shift = -slope * np.minimum(scene.shadow_height, _TALLEST)[:, None]
        cast = np.zeros((rows, columns), np.uint8)
        touch = np.zeros((rows, columns), np.uint8)
        far = feet + shift[:, None]
        hulls = self._cells(np.concatenate([feet, far], axis=1))
        low, high = hulls.min(1), hulls.max(1)
        limit = np.array([columns, rows]) * 16
        near = ((high > 0) & (low < limit)).all(1)
        for hull, height in zip(
            hulls[near], scene.shadow_height[near], strict=True
        ):
            outline = cv2.convexHull(hull)
            cv2.fillConvexPoly(cast, outline, 255, shift=4)
            if height < 6:
                cv2.fillConvexPoly(touch, hull[:4], 255, shift=4)
        cast = cv2.GaussianBlur(cast, (0, 0), 0.3 + look.shadow_blur / _CELL)
        touch = cv2.blur(cv2.blur(touch, (5, 5)), (5, 5))
        self.cast = cast.ravel()
        self.touch = touch.ravel()

    def _cells(self, points: np.ndarray) -> np.ndarray:
        cells = (points - (self.x0, self.z0)) * (16 / _CELL)
        return np.clip(np.round(cells), -(2**20), 2**20).astype(np.int32)

    def at(self, x: np.ndarray, z: np.ndarray) -> tuple:
        """Cast shadow and contact in [0, 1] at ground points."""
        rows, columns = _SHADOW_SHAPE
        column = ((x - self.x0) * (1 / _CELL)).astype(np.int32)
        row = ((z - self.z0) * (1 / _CELL)).astype(np.int32)
        known = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        cell = np.where(known, row * columns + column, 0)
        weight = known * np.float32(1 / 255)
        return self.cast[cell] * weight, self.touch[cell] * weight
