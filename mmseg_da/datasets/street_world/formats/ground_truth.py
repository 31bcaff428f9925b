# SPDX-License-Identifier: Apache-2.0
"""Exact depth, flow and pose beside a dataset, for tests and analysis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from ..frame import Frame, Pose
from .encoding import encode_json, encode_npy

__all__ = ['truth_encoders']


def _pose(pose: Pose) -> dict[str, object]:
    return {
        'camera_to_world': pose.matrix.tolist(),
        'speed': pose.speed,
        'yaw_rate': pose.yaw_rate,
    }


def _encode_pose(frame: Frame) -> bytes:
    """Camera, both poses and the motion between them.

    ``next_from_current`` maps camera coordinates of this frame to those of
    the next one, both in metres.
    """
    relative = np.linalg.inv(frame.next_pose.matrix) @ frame.pose.matrix
    return encode_json(
        {
            'camera': asdict(frame.camera),
            'pose': _pose(frame.pose),
            'next_pose': _pose(frame.next_pose),
            'next_from_current': relative.tolist(),
        }
    )


def truth_encoders() -> tuple[tuple[str, str, Callable[[Frame], bytes]], ...]:
    """Kind, suffix and encoder of every ground truth file.

    Depth is float32 ``(H, W)`` in metres (``inf`` for sky), flow float32
    ``(H, W, 2)`` in pixels to the next frame.
    """
    return (
        ('depth', '.npy', lambda f: encode_npy(np.float32(f.depth))),
        ('flow', '.npy', lambda f: encode_npy(np.float32(f.flow))),
        ('pose', '.json', _encode_pose),
    )
