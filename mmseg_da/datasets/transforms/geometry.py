# SPDX-License-Identifier: Apache-2.0
"""Geometry that image, frames, maps, flow and camera share.

One random draw moves everything that belongs to a sample:

==================  =======================================================
``img``             as in mmseg
``frame_fields``    like the image (:class:`LoadNeighbourFrames`)
``seg_fields``      nearest neighbour: labels, and depth, disparity, masks,
                    which are also named in ``map_fields``
``flow_fields``     nearest neighbour; u and v scaled with the image, negated
                    by a mirror
``intrinsics``      K scaled, shifted, mirrored
``pose_fields``     relative poses (..., 4, 4), mirrored: see below
==================  =======================================================

A mirrored image shows a mirrored world: a relative pose T belongs to it as
M T M with M = diag(-1, 1, 1, 1). Depth and disparity keep their values.
"""

from __future__ import annotations

import cv2
import mmcv
import numpy as np
from mmseg.datasets.transforms import RandomCrop, RandomFlip, Resize
from mmseg.registry import TRANSFORMS

__all__ = ['JointRandomCrop', 'JointRandomFlip', 'JointResize']

_NEAREST = {'exact': cv2.INTER_NEAREST_EXACT, 'cv2': cv2.INTER_NEAREST}


def _move_camera(results: dict, matrix: np.ndarray) -> None:
    """Apply a 3x3 pixel map to the camera matrix."""
    if 'intrinsics' in results:
        camera = matrix @ results['intrinsics'].astype(np.float64)
        results['intrinsics'] = camera.astype(np.float32)


@TRANSFORMS.register_module()
class JointResize(Resize):
    """mmseg's ``Resize`` for everything a sample holds.

    Also the ``resize_type`` of mmcv's ``RandomResize`` and
    ``RandomChoiceResize``.

    Args:
        map_nearest: Which pixel stands for several: 'exact', the one nearest
            to the new pixel's centre (as Pillow), or 'cv2', OpenCV's old
            rule, which the published depth loaders use. For ``map_fields``
            and flow; labels follow ``backend`` as in mmseg.
        scale, scale_factor, keep_ratio, backend, interpolation: As in
            mmseg's ``Resize``.

    Raises:
        ValueError: Unknown ``map_nearest``.
    """

    def __init__(
        self,
        scale: int | tuple[int, int] | None = None,
        scale_factor: float | tuple[float, float] | None = None,
        keep_ratio: bool = False,
        backend: str = 'cv2',
        interpolation: str = 'bilinear',
        map_nearest: str = 'exact',
    ) -> None:
        super().__init__(
            scale=scale,
            scale_factor=scale_factor,
            keep_ratio=keep_ratio,
            backend=backend,
            interpolation=interpolation,
        )
        if map_nearest not in _NEAREST:
            raise ValueError(
                f'JointResize: map_nearest={map_nearest!r} is unknown; '
                f'allowed: {list(_NEAREST)}'
            )
        self.map_nearest = map_nearest

    def transform(self, results: dict) -> dict:
        """Resize; see the table of the module."""
        height, width = results['img'].shape[:2]
        results = super().transform(results)
        new_height, new_width = results['img'].shape[:2]
        sx, sy = new_width / width, new_height / height
        for key in results.get('frame_fields', []):
            results[key] = mmcv.imresize(
                results[key],
                (new_width, new_height),
                interpolation=self.interpolation,
                backend=self.backend,
            )
        for key in results.get('flow_fields', []):
            flow = self._nearest(results[key], results)
            results[key] = flow * np.array([sx, sy], flow.dtype)
        # Pixel edges, not centres, keep their place in the image.
        edge = 0.5 - results.get('pixel_center', 0.0)
        matrix = [
            [sx, 0, edge * (sx - 1)],
            [0, sy, edge * (sy - 1)],
            [0, 0, 1],
        ]
        _move_camera(results, np.array(matrix))
        return results

    def _nearest(self, array: np.ndarray, results: dict) -> np.ndarray:
        height, width = results['img'].shape[:2]
        way = _NEAREST[self.map_nearest]
        return cv2.resize(array, (width, height), interpolation=way)

    def _resize_seg(self, results: dict) -> None:
        """Labels as in mmseg, other maps by ``map_nearest``."""
        fields = results.get('seg_fields', [])
        maps = results.get('map_fields', [])
        results['seg_fields'] = [x for x in fields if x not in maps]
        super()._resize_seg(results)
        results['seg_fields'] = fields
        for key in maps:
            results[key] = self._nearest(results[key], results)


@TRANSFORMS.register_module()
class JointRandomCrop(RandomCrop):
    """mmseg's ``RandomCrop`` for everything a sample holds.

    A crop that is larger than the image is refused: what would be padded
    would count as scene in depth and mixing losses.

    Args:
        crop_size, cat_max_ratio, ignore_index: As in mmseg's ``RandomCrop``.
    """

    def transform(self, results: dict) -> dict:
        """Crop; see the table of the module.

        Raises:
            ValueError: The crop is larger than the image, or
                ``cat_max_ratio`` is set and there are no labels.
        """
        size = tuple(results['img'].shape[:2])
        if any(c > s for c, s in zip(self.crop_size, size, strict=True)):
            raise ValueError(
                f'JointRandomCrop: crop_size={tuple(self.crop_size)} is '
                f'larger than {results.get("img_path")}, which is {size} '
                '(height, width) here. Lower crop_size or raise the scale of '
                'the resize before it.'
            )
        if self.cat_max_ratio < 1 and 'gt_seg_map' not in results:
            raise ValueError(
                f'JointRandomCrop: cat_max_ratio={self.cat_max_ratio} needs '
                f'labels, but {results.get("img_path")} has none. Leave it '
                'out of the pipelines of unlabelled images.'
            )
        box = self.crop_bbox(results)
        for kind in ('frame_fields', 'seg_fields', 'flow_fields'):
            for key in results.get(kind, []):
                results[key] = self.crop(results[key], box)
        results['img'] = self.crop(results['img'], box)
        results['img_shape'] = results['img'].shape[:2]
        top, _, left, _ = box
        _move_camera(
            results, np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]])
        )
        return results


@TRANSFORMS.register_module()
class JointRandomFlip(RandomFlip):
    """mmseg's ``RandomFlip`` for everything a sample holds.

    Args:
        prob, direction, swap_seg_labels: As in mmseg's ``RandomFlip``.
    """

    def _flip(self, results: dict) -> None:
        """Flip; see the table of the module."""
        super()._flip(results)
        direction = results['flip_direction']
        for key in results.get('frame_fields', []):
            results[key] = mmcv.imflip(results[key], direction=direction)
        signs = np.array(
            [
                -1 if direction in ('horizontal', 'diagonal') else 1,
                -1 if direction in ('vertical', 'diagonal') else 1,
            ],
            np.float32,
        )
        for key in results.get('flow_fields', []):
            flow = mmcv.imflip(results[key], direction=direction)
            results[key] = flow * signs.astype(flow.dtype)
        mirror = np.diag([*signs, 1.0, 1.0]).astype(np.float32)
        for key in results.get('pose_fields', []):
            results[key] = mirror @ results[key] @ mirror
        self._flip_camera(results, signs)

    @staticmethod
    def _flip_camera(results: dict, signs: np.ndarray) -> None:
        height, width = results['img'].shape[:2]
        edge = 2 * results.get('pixel_center', 0.0) - 1
        mirror = np.diag([*signs, 1.0])
        pixels = mirror.copy()
        if signs[0] < 0:
            pixels[0, 2] = width + edge
        if signs[1] < 0:
            pixels[1, 2] = height + edge
        _move_camera(results, pixels)
        if 'intrinsics' in results:
            camera = results['intrinsics'] @ mirror
            results['intrinsics'] = camera.astype(np.float32)
