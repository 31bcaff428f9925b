# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

META_KEYS = (
    'img_path',
    'seg_map_path',
    'ori_shape',
    'img_shape',
    'pad_shape',
    'scale_factor',
    'flip',
    'flip_direction',
    'reduce_zero_label',
    'dataset_name',
    'class_view',
)


@TRANSFORMS.register_module()
class PackUDAInputs(PackSegInputs):
    """Pack a sample, with the extra maps that adaptation methods need.

    Args:
        meta_keys (Sequence[str]): Entries of ``results`` kept as meta
            information when present. Defaults to mmseg's keys plus
            ``dataset_name`` and ``class_view``.
        pixel_keys (Sequence[str]): Arrays (H, W) or (H, W, C) of the image's
            size, packed as ``PixelData`` (C, H, W), dtype kept (flow in
            pixels, disparity, frames, ...). Defaults to ().
        tensor_keys (Sequence[str]): Arrays of any shape (intrinsics, affine
            matrices), packed as plain tensors. Defaults to ().

    Raises:
        KeyError: If a named key is missing from ``results``.
        ValueError: If a pixel array does not have the image's size.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = META_KEYS,
        pixel_keys: Sequence[str] = (),
        tensor_keys: Sequence[str] = (),
    ) -> None:
        super().__init__(meta_keys=tuple(meta_keys))
        self.pixel_keys = tuple(pixel_keys)
        self.tensor_keys = tuple(tensor_keys)

    def transform(self, results: dict) -> dict:
        """Pack image, labels and the extra keys into a ``SegDataSample``."""
        packed = super().transform(results)
        sample = packed['data_samples']
        height, width = packed['inputs'].shape[-2:]
        for key in self.pixel_keys:
            array = self._lookup(results, key)
            if array.shape[:2] != (height, width):
                raise ValueError(
                    f'{key} of {results.get("img_path")} has size '
                    f'{array.shape[:2]}, the image has {(height, width)}; '
                    'load it before the geometric transforms and let them '
                    'change both'
                )
            if array.ndim == 2:
                array = array[..., None]
            array = np.ascontiguousarray(array.transpose(2, 0, 1))
            sample.set_data({key: PixelData(data=torch.from_numpy(array))})
        for key in self.tensor_keys:
            array = np.ascontiguousarray(self._lookup(results, key))
            sample.set_data({key: torch.from_numpy(array)})
        return packed

    @staticmethod
    def _lookup(results: dict, key: str) -> np.ndarray:
        if key not in results:
            raise KeyError(
                f'PackUDAInputs: {key!r} is not in the sample '
                f'({results.get("img_path")}); present: {sorted(results)}. '
                'Add the transform that loads it to the pipeline.'
            )
        return results[key]

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(meta_keys={self.meta_keys}, '
            f'pixel_keys={self.pixel_keys}, tensor_keys={self.tensor_keys})'
        )
