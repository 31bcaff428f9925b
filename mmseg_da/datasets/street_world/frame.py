# SPDX-License-Identifier: Apache-2.0
"""Value types of StreetWorld: camera, pose, rendered frame, settings.

Axes. Camera: x right, y down, z forward (optical axis), as in OpenCV. World:
x right, y down, z along the street, the ground plane at ``y = 0``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Frames in a snippet, and which of them is labelled, as in Cityscapes.
SNIPPET_LENGTH = 30
LABELLED_TIME = 19
#: Frames per second of every sequence.
FRAME_RATE = 17.0


@dataclass(frozen=True)
class Camera:
    """Pinhole camera of a street; pixel centres lie at integer coordinates.

    Args:
        width: Image width in pixels.
        height: Image height in pixels.
        fx: Horizontal focal length in pixels.
        fy: Vertical focal length in pixels.
        cx: Column of the principal point.
        cy: Row of the principal point.
        camera_height: Height over the road in metres.
        pitch: Downward tilt in radians.
        baseline: Stereo baseline in metres (for disparity files).
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    camera_height: float
    pitch: float
    baseline: float = 0.22

    def intrinsics(self) -> np.ndarray:
        """The 3x3 float64 matrix K from camera metres to pixels."""
        return np.array(
            [[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]],
            dtype=np.float64,
        )


@dataclass(frozen=True)
class Pose:
    """Where the camera is and how it moves.

    Args:
        matrix: 4x4 float64 camera-to-world transform in metres.
        speed: Forward speed in m/s.
        yaw_rate: Yaw rate in rad/s, positive to the left (as in the vehicle
            files of Cityscapes).
    """

    matrix: np.ndarray
    speed: float
    yaw_rate: float


@dataclass(frozen=True)
class Frame:
    """One rendered frame with its exact ground truth.

    Args:
        image: uint8 ``(H, W, 3)``, RGB.
        label: uint8 ``(H, W)``, Cityscapes label ids 0..33; void ids occur.
        instance: uint16 ``(H, W)``, 0 = none, else one number per thing.
        depth: float32 ``(H, W)``, metres along the optical axis; ``inf`` for
            sky.
        flow: float32 ``(H, W, 2)``, pixels (u, v) to the next frame; None
            when not requested.
        camera: The intrinsics and mounting.
        pose: Pose of this frame.
        next_pose: Pose of the next frame; None without flow.
    """

    image: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    depth: np.ndarray
    flow: np.ndarray | None
    camera: Camera
    pose: Pose
    next_pose: Pose | None


@dataclass(frozen=True)
class StreetSettings:
    """What a renderer draws.

    Args:
        preset: Name of a preset, see
            :func:`mmseg_da.datasets.street_world.presets`.
        size: Image ``(width, height)`` in pixels, 96x48 to 2048x1024.
        seed: Seed of all streets.
        gap: Distance to the preset's target in [0, 1]: 1 is the preset
            itself, 0 the target.
        supersample: The image is averaged over this many samples per axis;
            labels, depth and flow stay those of pixel centres.
        sensor_noise: Whether sensor noise is added (off for photometric
            tests).
        hood: Whether the own vehicle's hood is visible.
    """

    preset: str
    size: tuple[int, int] = (256, 128)
    seed: int = 0
    gap: float = 1.0
    supersample: int = 2
    sensor_noise: bool = True
    hood: bool = True
