# SPDX-License-Identifier: Apache-2.0
"""Which patch is visible at each sample, with exact inverse depth.

Patches are projected in homogeneous form (no clipping): ``u / z``, ``v / z``
and ``1 / z`` of a plane, and every edge of its polygon, are linear functions
of the sample position, and a row of samples meets a convex polygon in one
interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .frame import FRAME_RATE, LABELLED_TIME, Camera, Pose
from .scene import Scene
from .silhouettes import SIZE, Silhouettes

FAR = 450.0
NEAR = 0.25
_TINY = 1e-12


@dataclass(frozen=True)
class SampleGrid:
    """Sample ``(i, j)`` lies at pixel ``((i - shift) / rate, ...)``.

    With ``rate`` samples per pixel and axis, samples reach ``rate - 1`` steps
    around each pixel centre, and a pixel's centre is itself a sample.
    """

    width: int
    height: int
    rate: int

    @property
    def shift(self) -> int:
        """Samples before the first pixel centre."""
        return self.rate - 1

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of samples."""
        return (
            (self.height - 1) * self.rate + 2 * self.shift + 1,
            (self.width - 1) * self.rate + 2 * self.shift + 1,
        )

    def to_pixel(self) -> np.ndarray:
        """3x3 map from homogeneous sample to pixel coordinates."""
        scale, shift = 1 / self.rate, -self.shift / self.rate
        return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])

    def centres(self, values: np.ndarray) -> np.ndarray:
        """The samples at pixel centres."""
        first, step = self.shift, self.rate
        height, width = self.shape
        return values[
            first : height - first : step, first : width - first : step
        ]


@dataclass(frozen=True)
class Projection:
    """Patches in the camera of one frame.

    Args:
        frames: float64 ``(n, 3, 3)``, columns U, V, O in camera axes.
        planes: float64 ``(n, 3, 3)``: rows give u/z, v/z, 1/z from a
            homogeneous sample.
        outline: float64 ``(n, 8, 2)``, corners in (u, v) metres.
        normals: float64 ``(n, 3)``, outward normals in world axes.
        visible: int64 ``(m,)``, patches that may be seen.
        rows: int64 ``(n, 2)``, first and last + 1 sample row.
    """

    frames: np.ndarray
    planes: np.ndarray
    outline: np.ndarray
    normals: np.ndarray
    visible: np.ndarray
    rows: np.ndarray


def camera_corners(scene: Scene, pose: Pose, time: int) -> np.ndarray:
    """Corners ``(n, 8, 3)`` in camera axes at frame ``time``."""
    seconds = (time - LABELLED_TIME) / FRAME_RATE
    moved = scene.corners + scene.velocity[:, None] * seconds
    rotation, centre = pose.matrix[:3, :3], pose.matrix[:3, 3]
    seen = (moved - centre) @ rotation
    return np.where(scene.attached[:, None, None], scene.corners, seen)


def plane_frames(corners: np.ndarray) -> np.ndarray:
    """Columns U, V (unit) and O of each patch, ``(n, 3, 3)``."""
    origin = corners[:, 0]
    along = corners[:, 1] - origin
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    inner = corners[:, 2] - origin
    up = inner - (inner * along).sum(1, keepdims=True) * along
    up = up / np.linalg.norm(up, axis=1, keepdims=True)
    return np.stack([along, up, origin], axis=2)


def project(
    scene: Scene, camera: Camera, pose: Pose, time: int, grid: SampleGrid
) -> Projection:
    """Projects all patches of a scene at one frame."""
    corners = camera_corners(scene, pose, time)
    frames = plane_frames(corners)
    determinant = np.linalg.det(frames)
    solid = np.abs(determinant) > 1e-6
    safe = np.where(solid[:, None, None], frames, np.eye(3))
    to_ray = np.linalg.inv(camera.intrinsics()) @ grid.to_pixel()
    planes = np.linalg.inv(safe) @ to_ray
    offset = corners - frames[:, None, :, 2]
    outline = offset @ frames[:, :, :2]
    depth = corners[..., 2]
    ahead = depth > NEAR
    seen = corners @ np.linalg.inv(to_ray).T
    points = seen[..., :2] / np.where(ahead, depth, 1.0)[..., None]
    whole = ahead.all(1)
    low = np.where(whole[:, None], points.min(1), -np.inf)
    high = np.where(whole[:, None], points.max(1), np.inf)
    height, width = grid.shape
    inside = (high >= 0).all(1) & (low < (width, height)).all(1)
    facing = (determinant < 0) | scene.two_sided
    visible = np.flatnonzero(solid & facing & ahead.any(1) & inside)
    rows = np.stack(
        [
            np.clip(np.ceil(low[:, 1]), 0, height),
            np.clip(np.floor(high[:, 1]) + 1, 0, height),
        ],
        axis=1,
    ).astype(np.int64)
    normals = np.cross(frames[:, :, 0], frames[:, :, 1])
    normals = normals @ pose.matrix[:3, :3].T
    return Projection(frames, planes, outline, normals, visible, rows)


def edge_lines(planes: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Linear forms that are >= 0 inside a patch, ``(n, 9, 3)``.

    Eight edges and the far limit; each has its x coefficient scaled to +-1.
    """
    step = np.roll(outline, -1, axis=1) - outline
    normal = np.stack([-step[..., 1], step[..., 0]], axis=-1)
    constant = -(normal * outline).sum(-1, keepdims=True)
    forms = np.concatenate([normal, constant], axis=-1) @ planes
    far = planes[:, 2:3] - np.array([0, 0, 1 / FAR])
    forms = np.concatenate([forms, far], axis=1)
    scale = np.abs(forms[..., :1])
    scale = np.where(scale < _TINY, _TINY, scale)
    sign = np.where(forms[..., :1] < 0, -1.0, 1.0)
    return np.concatenate([sign, forms[..., 1:] / scale], axis=-1)


@dataclass(frozen=True)
class _Spans:
    """Rows of samples that patches cover, one entry per patch and row.

    Args:
        numbers: Patches with at least one row, in order.
        starts: First entry of each patch, and the number of entries.
        rows: First and last + 1 row of each patch.
        columns: First and last + 1 column of each patch.
        left: float32, first column of each entry (real number).
        right: float32, end of each entry.
        offset: float32, inverse depth of each entry at column 0.
    """

    numbers: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    left: np.ndarray
    right: np.ndarray
    offset: np.ndarray


def _find_spans(projection: Projection, width: int) -> _Spans:
    """Where each patch meets each row, for all patches at once."""
    rows = projection.rows[projection.visible]
    filled = rows[:, 1] > rows[:, 0]
    numbers, rows = projection.visible[filled], rows[filled]
    planes = projection.planes[numbers]
    lines = edge_lines(planes, projection.outline[numbers])
    is_low = lines[..., :1] > 0
    # x >= -(b y + c) for rising forms, x < b y + c for falling ones
    lows = np.where(is_low, -lines[..., 1:], (0.0, -1e9))
    highs = np.where(is_low, (0.0, 1e9), lines[..., 1:])
    sizes = rows[:, 1] - rows[:, 0]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    entry = np.repeat(np.arange(len(numbers)), sizes)
    y = np.arange(starts[-1]) - (starts[:-1] - rows[:, 0])[entry]
    y = y.astype(np.float64)
    left = (lows[entry, :, 0] * y[:, None] + lows[entry, :, 1]).max(1)
    right = (highs[entry, :, 0] * y[:, None] + highs[entry, :, 1]).min(1)
    left = np.clip(left, 0, width)
    right = np.where(right > left, np.clip(right, 0, width), left)
    depth = planes[:, 2]
    offset = depth[entry, 1] * y + depth[entry, 2]
    empty = right <= left
    begin = np.where(empty, width, np.ceil(left)).astype(np.int64)
    end = np.where(empty, 0, np.ceil(right)).astype(np.int64)
    columns = np.stack(
        [
            np.minimum.reduceat(begin, starts[:-1]),
            np.maximum.reduceat(end, starts[:-1]),
        ],
        axis=1,
    )
    return _Spans(
        numbers,
        starts,
        rows,
        columns,
        left.astype(np.float32)[:, None],
        right.astype(np.float32)[:, None],
        offset.astype(np.float32)[:, None],
    )


def rasterise(
    scene: Scene,
    projection: Projection,
    silhouettes: Silhouettes,
    grid: SampleGrid,
) -> tuple[np.ndarray, np.ndarray]:
    """Resolves visibility.

    Returns:
        Inverse depth float32 ``(h, w)`` (0 = sky) and patch numbers int32
        ``(h, w)`` (-1 = sky).
    """
    height, width = grid.shape
    nearest = np.zeros((height, width), np.float32)
    winner = np.full((height, width), -1, np.int32)
    spans = _find_spans(projection, width)
    abscissae = np.arange(width, dtype=np.float32)
    ordinates = np.arange(height, dtype=np.float32)[:, None]
    planes = projection.planes[spans.numbers].astype(np.float32)
    shapes = scene.silhouette[spans.numbers].tolist()
    boxes = np.concatenate([spans.rows, spans.columns], axis=1).tolist()
    starts = spans.starts.tolist()
    for k, number in enumerate(spans.numbers.tolist()):
        top, bottom, first, last = boxes[k]
        if first >= last:
            continue
        entries = slice(starts[k], starts[k + 1])
        x = abscissae[first:last]
        inverse = planes[k, 2, 0] * x + spans.offset[entries]
        window = nearest[top:bottom, first:last]
        mask = inverse > window
        mask &= x >= spans.left[entries]
        mask &= x < spans.right[entries]
        if shapes[k] >= 0:
            if not mask.any():
                continue
            scale = (SIZE - 1) / projection.outline[number].max(0)
            table = silhouettes.distance[shapes[k]]
            y = ordinates[top:bottom]
            mask &= _cut(table, planes[k], x, y, inverse, scale)
        np.copyto(window, inverse, where=mask)
        np.copyto(winner[top:bottom, first:last], number, where=mask)
    return nearest, winner


def _cut(
    table: np.ndarray,
    planes: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    inverse: np.ndarray,
    scale: np.ndarray,
) -> np.ndarray:
    """Samples of a window that lie inside a silhouette."""
    depth = 1 / np.maximum(inverse, np.float32(1e-6))
    across = (planes[0, 0] * x + (planes[0, 1] * y + planes[0, 2])) * depth
    upward = (planes[1, 0] * x + (planes[1, 1] * y + planes[1, 2])) * depth
    inside = cv2.remap(
        table,
        across * np.float32(scale[0]),
        np.float32(SIZE - 1) - upward * np.float32(scale[1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=-1.0,
    )
    return inside > 0
