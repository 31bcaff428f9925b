# SPDX-License-Identifier: Apache-2.0
"""Camera motion from the vehicle's own measurements."""

from __future__ import annotations

import json
import math

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ..image_files import read_file

__all__ = ['LoadVehicleMotion', 'vehicle_motion']

_MEND = 'Unpack the vehicle_sequence and camera archives again.'


@TRANSFORMS.register_module()
class LoadVehicleMotion(BaseTransform):
    """Motion of the camera to its neighbours, from speed and yaw rate.

    Required keys: ``vehicle_paths`` (``CityscapesSequenceDataset(vehicle=
    True)``) and, for the tilt of the camera, ``camera_path``. Added keys,
    packed as ``tensor_keys``: ``motion``, float32 (F, 4, 4), camera
    coordinates of the image to those of each neighbour in metres, neighbours
    in ascending order, named in ``pose_fields`` so that a mirror turns it;
    ``travel``, float32 (F,), the distance in metres.

    Args:
        frame_rate: Frames per second; Cityscapes has 17.
        backend_args: Arguments of mmengine's file backend.

    Raises:
        ValueError: ``frame_rate`` is not positive.
    """

    def __init__(
        self, frame_rate: float = 17.0, backend_args: dict | None = None
    ) -> None:
        if frame_rate <= 0:
            raise ValueError(
                f'LoadVehicleMotion: frame_rate={frame_rate}; give frames '
                'per second, e.g. 17'
            )
        self.frame_rate = frame_rate
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Add ``motion`` and ``travel``.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: The sample names no vehicle files, one is damaged, or
                the image was mirrored before.
        """
        paths = results.get('vehicle_paths')
        if not paths:
            raise ValueError(
                f'LoadVehicleMotion: {results.get("img_path")} has no '
                'vehicle files. Set vehicle=True on the '
                'CityscapesSequenceDataset.'
            )
        if results.get('flip'):
            raise ValueError(
                f'LoadVehicleMotion: {results.get("img_path")} is mirrored '
                'already. Put it in front of JointRandomFlip, which then '
                'mirrors the motion too.'
            )
        states = {k: self._state(path) for k, path in paths.items()}
        pitch, yaw = self._mount(results)
        motions, distances = [], []
        for offset in sorted(k for k in paths if k):
            motion, distance = self._to(offset, states, pitch, yaw)
            motions.append(motion)
            distances.append(distance)
        results['motion'] = np.stack(motions).astype(np.float32)
        results['travel'] = np.array(distances, np.float32)
        results['pose_fields'] = [*results.get('pose_fields', []), 'motion']
        return results

    def _to(
        self, offset: int, states: dict, pitch: float, yaw: float
    ) -> tuple[np.ndarray, float]:
        """Motion to one neighbour; a file describes the way to the next."""
        first, last = min(0, offset), max(0, offset)
        motion, distance = np.eye(4), 0.0
        for time in range(first, last):
            # Frames between the neighbours have no file of their own.
            speed, rate = states.get(time, states[first])
            step = speed / self.frame_rate
            turn = rate / self.frame_rate
            motion = vehicle_motion(step, turn, pitch, yaw) @ motion
            distance += abs(step)
        if offset < 0:
            motion = np.linalg.inv(motion)
        return motion, distance

    def _state(self, path: str) -> tuple[float, float]:
        return self._numbers(path, None, ('speed', 'yawRate'))

    def _mount(self, results: dict) -> tuple[float, float]:
        """Pitch (downwards) and yaw (to the left) of the camera."""
        if 'camera_path' not in results:
            return 0.0, 0.0
        path = results['camera_path']
        return self._numbers(path, 'extrinsic', ('pitch', 'yaw'))

    def _numbers(
        self, path: str, part: str | None, keys: tuple[str, str]
    ) -> tuple[float, float]:
        data = read_file(path, self.backend_args)
        try:
            content = json.loads(data)
            content = content[part] if part else content
            first, second = (float(content[key]) for key in keys)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path}: expected JSON with the numbers {keys} '
                f'({type(error).__name__}: {error}). {_MEND}'
            ) from error
        if not (math.isfinite(first) and math.isfinite(second)):
            raise ValueError(f'{path}: {keys} are not finite. {_MEND}')
        return first, second

    def __repr__(self) -> str:
        return f'{type(self).__name__}(frame_rate={self.frame_rate})'


def vehicle_motion(
    distance: float, turn: float, pitch: float = 0.0, yaw: float = 0.0
) -> np.ndarray:
    """Camera motion of a vehicle on a flat road, from one frame to the next.

    The vehicle drives ``distance`` along its heading at the first frame and
    then has turned by ``turn``.

    Args:
        distance: Metres, forwards.
        turn: Radians, to the left (Cityscapes' yaw rate is positive there).
        pitch: Tilt of the camera, radians, downwards.
        yaw: Heading of the camera against the vehicle, radians, to the left.

    Returns:
        float64 (4, 4): camera coordinates (x right, y down, z ahead) of the
        first frame to those of the second, metres.
    """
    # Axes of the vehicle named like the camera's: right, down, ahead.
    cos, sin = math.cos(pitch), math.sin(pitch)
    tilt = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    mount = tilt @ _turned(yaw)
    rotation = _turned(turn)
    motion = np.eye(4)
    motion[:3, :3] = mount @ rotation @ mount.T
    motion[:3, 3] = mount @ rotation @ np.array([0.0, 0.0, -distance])
    return motion


def _turned(angle: float) -> np.ndarray:
    """Coordinates after the axes turned to the left by an angle."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
