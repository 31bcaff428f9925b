# SPDX-License-Identifier: Apache-2.0
"""Loading of neighbour frames and cameras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ..depth_decoding import read_camera
from ..image_files import decode_bgr, read_file

__all__ = ['LoadCamera', 'LoadNeighbourFrames', 'frame_key']


def frame_key(offset: int) -> str:
    """Entry that holds a neighbour frame: 'frame_m1', 'frame_p1', ..."""
    return f'frame_{"m" if offset < 0 else "p"}{abs(offset)}'


@TRANSFORMS.register_module()
class LoadNeighbourFrames(BaseTransform):
    """Load the frames around the image, in the image's geometry.

    Belongs right after :class:`LoadStreetImage`. The Joint transforms change
    the frames together with the image; ``PackUDAInputs(pixel_keys=
    ('frame_m1', 'frame_p1'))`` packs them.

    Required keys: ``img``, ``frame_paths`` (of :class:`SequenceDataset`).
    Added keys: per offset except 0 a uint8 BGR array (H, W, 3) named by
    :func:`frame_key`; their names in ``frame_fields``.

    Args:
        offsets: Frames to load; None for all that the sample has.
        backend_args: Arguments of mmengine's file backend.
    """

    def __init__(
        self,
        offsets: Sequence[int] | None = None,
        backend_args: dict | None = None,
    ) -> None:
        self.offsets = None if offsets is None else tuple(offsets)
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load the frames.

        Raises:
            ValueError: No frame of that offset, a damaged file, or another
                size than the image's.
        """
        paths = results.get('frame_paths', {})
        offsets = sorted(paths) if self.offsets is None else self.offsets
        keys = []
        for offset in offsets:
            if offset == 0:
                continue
            if offset not in paths:
                raise ValueError(
                    f'LoadNeighbourFrames: {results.get("img_path")} has no '
                    f'frame at offset {offset}, only {sorted(paths)}. Add it '
                    "to the dataset's frame_offsets and keep "
                    'require_neighbours=True; still images need another '
                    'pipeline.'
                )
            keys.append(frame_key(offset))
            results[keys[-1]] = self._load(paths[offset], results)
        results['frame_fields'] = [*results.get('frame_fields', []), *keys]
        return results

    def _load(self, path: str, results: dict) -> np.ndarray:
        frame = decode_bgr(read_file(path, self.backend_args), path)
        height, width = results['img'].shape[:2]
        if frame.shape[:2] != (height, width):
            raise ValueError(
                f'{path}: neighbour frame of {frame.shape[1]}x'
                f'{frame.shape[0]}, but the image {results.get("img_path")} '
                f'is {width}x{height} here. Put LoadNeighbourFrames right '
                'after LoadStreetImage; if the files themselves differ, '
                'unpack both packages again.'
            )
        return frame.astype(results['img'].dtype, copy=False)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(offsets={self.offsets}, '
            f'backend_args={self.backend_args})'
        )


@TRANSFORMS.register_module()
class LoadCamera(BaseTransform):
    """Give the sample its camera matrix K in pixels of the raw image.

    Belongs before every geometric transform; the Joint transforms keep K
    right. ``PackUDAInputs(tensor_keys=('intrinsics',))`` packs it.

    Required keys: ``ori_shape`` and ``camera_path`` or
    ``normalized_intrinsics``. Added keys: ``intrinsics``, float32 (3, 3);
    ``pixel_center`` (see below); with a camera file ``baseline`` in metres
    and ``raw_fx`` in pixels.

    Args:
        pixel_center: Coordinate of the first pixel's centre: 0.0 where pixel
            centres lie at whole numbers (OpenCV, pixel grids), 0.5 where the
            image spans [0, W], the convention of the published SDE code.
        file_size: Size (width, height) the camera file was made for; by
            default the size of the image as loaded. Cityscapes files belong
            to (2048, 1024), which downsampled copies need to be told.
        backend_args: Arguments of mmengine's file backend.
    """

    def __init__(
        self,
        pixel_center: float = 0.0,
        file_size: tuple[int, int] | None = None,
        backend_args: dict | None = None,
    ) -> None:
        if pixel_center not in (0.0, 0.5):
            raise ValueError(
                f'LoadCamera: pixel_center={pixel_center!r}; allowed: 0.0 '
                '(pixel centres at whole numbers), 0.5'
            )
        self.pixel_center = pixel_center
        self.file_size = file_size
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Add ``intrinsics``.

        Raises:
            ValueError: No camera is known, its file is damaged, or the image
                has been resized or cropped before.
        """
        if tuple(results['img_shape']) != tuple(results['ori_shape']):
            raise ValueError(
                f'LoadCamera: {results.get("img_path")} has been resized or '
                f'cropped from {tuple(results["ori_shape"])} to '
                f'{tuple(results["img_shape"])} before. Put LoadCamera in '
                'front of the geometric transforms.'
            )
        height, width = results['ori_shape']
        if 'camera_path' in results:
            fx, fy, cx, cy = self._from_file(results, width, height)
        elif 'normalized_intrinsics' in results:
            nx, ny, ux, uy = results['normalized_intrinsics']
            shift = 0.5 - self.pixel_center
            fx, fy = nx * width, ny * height
            cx, cy = ux * width - shift, uy * height - shift
        else:
            raise ValueError(
                f'LoadCamera: {results.get("img_path")} has neither '
                'camera_path nor normalized_intrinsics. Use a sequence '
                'dataset (camera=True for Cityscapes) or set its intrinsics.'
            )
        matrix = [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]
        results['intrinsics'] = np.array(matrix, np.float32)
        results['pixel_center'] = self.pixel_center
        return results

    def _from_file(
        self, results: dict, width: int, height: int
    ) -> tuple[float, float, float, float]:
        camera = read_camera(results['camera_path'], self.backend_args)
        results['baseline'], results['raw_fx'] = camera.baseline, camera.fx
        file_width, file_height = self.file_size or (width, height)
        if not (0 < camera.u0 < file_width and 0 < camera.v0 < file_height):
            raise ValueError(
                f'{results["camera_path"]}: the principal point '
                f'({camera.u0}, {camera.v0}) lies outside an image of '
                f'{file_width}x{file_height}. For downsampled images set '
                "LoadCamera's file_size to the size of the originals, e.g. "
                '(2048, 1024).'
            )
        sx, sy = width / file_width, height / file_height
        # The files count pixel centres in whole numbers.
        shift = 0.5 - self.pixel_center
        cx = sx * (camera.u0 + 0.5) - shift
        cy = sy * (camera.v0 + 0.5) - shift
        return sx * camera.fx, sy * camera.fy, cx, cy

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(pixel_center={self.pixel_center}, '
            f'file_size={self.file_size}, backend_args={self.backend_args})'
        )
