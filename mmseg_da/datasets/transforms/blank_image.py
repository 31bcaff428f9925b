# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from PIL import Image

from ..image_files import read_file

__all__ = ['BlankImage']


@TRANSFORMS.register_module()
class BlankImage(BaseTransform):
    """An image without pixels, where only the geometry matters.

    Maps are loaded, resized, flipped and cropped as beside the real image,
    which is not decoded. Required key, without ``size``: ``img_path``. Added
    keys: ``img``, uint8 zeros (H, W, 1), ``img_shape``, ``ori_shape``.

    Args:
        size: (width, height) of the images at this place of the pipeline.
            Defaults to None, what the head of the image file says.
    """

    def __init__(self, size: Sequence[int] | None = None) -> None:
        self.size = size

    def transform(self, results: dict) -> dict:
        """Add the image."""
        width, height = self.size or _size_of(results['img_path'])
        results['img'] = np.zeros((height, width, 1), np.uint8)
        results['img_shape'] = results['ori_shape'] = (height, width)
        return results


def _size_of(path: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(read_file(path))) as image:
        return image.size
