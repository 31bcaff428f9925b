# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

__all__ = ['PaddedRandomCrop']


@TRANSFORMS.register_module()
class PaddedRandomCrop(BaseTransform):
    """Crop at a uniform position; a smaller image is centred on padding.

    ``padding_mask`` remembers the padding. With
    ``PackUDAInputs(pixel_keys=('padding_mask',))`` and
    :class:`PaddedSegDataPreProcessor` it is exactly 0 after the
    normalisation. Labels are ignored there.

    Required keys: ``img``, optionally ``seg_fields``. Added key:
    ``padding_mask`` (uint8 (H, W), 1 on padding), also named in
    ``seg_fields`` and ``map_fields``, so that later flips move it.

    Args:
        crop_size: Height and width.
        ignore_index: Label of the padding in ``gt_seg_map``; other maps get
            0.

    Raises:
        ValueError: The size is not two positive integers.
    """

    def __init__(
        self, crop_size: tuple[int, int], ignore_index: int = 255
    ) -> None:
        if len(crop_size) != 2 or min(crop_size) < 1:
            raise ValueError(
                f'PaddedRandomCrop: crop_size={crop_size!r}; expected '
                '(height, width) in pixels'
            )
        self.crop_size = tuple(crop_size)
        self.ignore_index = ignore_index

    def transform(self, results: dict) -> dict:
        """Crop the image and every map of ``seg_fields``."""
        height, width = results['img'].shape[:2]
        if 'padding_mask' not in results:
            results['padding_mask'] = np.zeros((height, width), np.uint8)
            # New lists: test-time copies of `results` share the old ones.
            for fields in ('seg_fields', 'map_fields'):
                old = results.get(fields, [])
                results[fields] = [*old, 'padding_mask']
        rows = _window(height, self.crop_size[0])
        columns = _window(width, self.crop_size[1])
        fills = {'gt_seg_map': self.ignore_index, 'padding_mask': 1}
        for key in ('img', *results['seg_fields']):
            results[key] = self._crop(
                results[key], rows, columns, fills.get(key, 0)
            )
        results['img_shape'] = self.crop_size
        return results

    def _crop(
        self,
        array: np.ndarray,
        rows: tuple[slice, slice],
        columns: tuple[slice, slice],
        fill: int,
    ) -> np.ndarray:
        part = array[rows[0], columns[0]]
        if part.shape[:2] == self.crop_size:
            return np.ascontiguousarray(part)
        padded = np.full(
            (*self.crop_size, *array.shape[2:]), fill, array.dtype
        )
        padded[rows[1], columns[1]] = part
        return padded

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(crop_size={self.crop_size}, '
            f'ignore_index={self.ignore_index})'
        )


def _window(side: int, crop: int) -> tuple[slice, slice]:
    """Draw the part of a side to read, and where it lies in the crop."""
    start = int(np.random.randint(0, max(side - crop, 0) + 1))
    before = max(crop - side, 0) // 2
    length = min(side, crop)
    return slice(start, start + length), slice(before, before + length)
