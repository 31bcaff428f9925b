# SPDX-License-Identifier: Apache-2.0
"""The camera of a street, its path, and pixel motion between two poses."""

from __future__ import annotations

import math

import numpy as np

from .frame import (
    FRAME_RATE,
    LABELLED_TIME,
    SNIPPET_LENGTH,
    Camera,
    Pose,
)
from .params import Layout
from .random_streams import between


def draw_camera(
    layout: Layout, size: tuple[int, int], draws: np.ndarray
) -> Camera:
    """The camera of one street.

    Args:
        layout: Layout parameters of the domain.
        size: Image ``(width, height)`` in pixels.
        draws: float64 ``(8,)`` uniform numbers.

    Returns:
        The pinhole camera; square pixels, principal point in the middle.
    """
    width, height = size
    fov = layout.fov + layout.fov_spread * between(draws[0], -1, 1)
    focal = width / 2 / math.tan(math.radians(fov) / 2)
    return Camera(
        width=width,
        height=height,
        fx=focal,
        fy=focal,
        cx=(width - 1) / 2,
        cy=(height - 1) / 2,
        camera_height=layout.camera_height * between(draws[1], 0.93, 1.07),
        pitch=math.radians(layout.camera_pitch + between(draws[2], -0.7, 0.7)),
    )


def _rotation(yaw: float, pitch: float) -> np.ndarray:
    """Camera-to-world rotation: heading to the right, tilt downwards."""
    forward = np.array([math.sin(yaw), 0.0, math.cos(yaw)])
    right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
    down = np.array([0.0, 1.0, 0.0])
    axis = forward * math.cos(pitch) + down * math.sin(pitch)
    lower = down * math.cos(pitch) - forward * math.sin(pitch)
    return np.stack([right, lower, axis], axis=1)


class CameraPath:
    """Where the camera is at every frame of a snippet.

    The world's origin lies below the camera's path at the labelled frame, so
    that what is placed ahead of the origin is ahead of the labelled frame.

    Args:
        layout: Layout parameters of the domain.
        camera: The camera.
        draws: float64 ``(16 + 3 * 31,)`` uniform numbers.
        lane: Lateral position of the lane's middle in metres.
    """

    def __init__(
        self, layout: Layout, camera: Camera, draws: np.ndarray, lane: float
    ) -> None:
        count = SNIPPET_LENGTH + 1
        times = np.arange(count)
        jitter = draws[16 : 16 + 3 * count].reshape(3, count) * 2 - 1
        step = between(draws[0], 0.5, 1.05) * (1 + 0.03 * jitter[0])
        drive = between(draws[1], 0.2, 1.3) * np.sin(
            2 * np.pi * (times / between(draws[2], 35, 80) + draws[3])
        )
        drive -= drive[LABELLED_TIME]
        mount = layout.camera_yaw * between(draws[4], -1, 1)
        self.drive = np.radians(drive)
        self.yaw = self.drive + math.radians(mount)
        self.pitch = camera.pitch + np.radians(0.08 * jitter[1])
        self.height = camera.camera_height + 0.008 * jitter[2]
        self.x = self._integrate(step * np.sin(self.drive))
        self.x += lane + layout.camera_lateral * between(draws[5], -1, 1)
        self.z = self._integrate(step * np.cos(self.drive))
        self.step = step

    @staticmethod
    def _integrate(steps: np.ndarray) -> np.ndarray:
        path = np.concatenate([[0.0], np.cumsum(steps[:-1])])
        return path - path[LABELLED_TIME]

    @property
    def speed(self) -> float:
        """Mean speed in m/s."""
        return float(self.step.mean()) * FRAME_RATE

    def pose(self, time: int) -> Pose:
        """Pose at frame ``time``, 0 to 30 (one beyond the snippet)."""
        matrix = np.eye(4)
        matrix[:3, :3] = _rotation(self.yaw[time], self.pitch[time])
        matrix[:3, 3] = self.x[time], -self.height[time], self.z[time]
        first = min(time, SNIPPET_LENGTH - 1)
        turn = self.drive[first + 1] - self.drive[first]
        return Pose(
            matrix=matrix,
            speed=float(self.step[time]) * FRAME_RATE,
            yaw_rate=float(-turn) * FRAME_RATE,
        )


def rotation_homography(
    camera: Camera, pose: Pose, next_pose: Pose
) -> np.ndarray:
    """3x3 pixel map of points at infinity from one pose to the next."""
    matrix = camera.intrinsics()
    turn = next_pose.matrix[:3, :3].T @ pose.matrix[:3, :3]
    return matrix @ turn @ np.linalg.inv(matrix)
