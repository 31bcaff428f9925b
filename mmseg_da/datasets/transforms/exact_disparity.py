# SPDX-License-Identifier: Apache-2.0
"""Exact disparities of StreetWorld, for depth mixing."""

from __future__ import annotations

import io
import os

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ..image_files import read_file

__all__ = ['LoadExactDisparity', 'stretch']

_NORMS = ('minmax', 'none')


def stretch(values: np.ndarray) -> np.ndarray:
    """Map values linearly to [0, 1]; a constant map becomes 0."""
    low, high = values.min(), values.max()
    if high == low:
        return np.zeros_like(values)
    return (values - low) / (high - low)


@TRANSFORMS.register_module()
class LoadExactDisparity(BaseTransform):
    """Load StreetWorld's exact depth as disparity: depth mixing at its best.

    ``<folder>/<sample_stem>.npy`` holds metres; the disparity is 1 / depth
    (0 for the sky). Belongs in front of the geometric transforms. Added key:
    ``disparity`` (float32 (H, W), large = near), named in ``seg_fields`` and
    ``map_fields``, as :class:`LoadDisparityArtifact` adds it.

    Args:
        folder: E.g. ``data/street_world/gta/ground_truth/depth/train``.
        normalize: 'minmax' stretches the disparities of an image to [0, 1],
            as SDE's target disparities are; 'none' keeps 1 / metres.

    Raises:
        ValueError: Unknown ``normalize``.
    """

    def __init__(self, folder: str, normalize: str = 'minmax') -> None:
        if normalize not in _NORMS:
            raise ValueError(
                f'LoadExactDisparity: normalize={normalize!r} is unknown; '
                f'allowed: {list(_NORMS)}'
            )
        self.folder = folder
        self.normalize = normalize

    def transform(self, results: dict) -> dict:
        """Load the depth of ``results['sample_stem']``.

        Raises:
            FileNotFoundError: The file is missing.
            ValueError: Another size, or no array of positive numbers.
        """
        path = os.path.join(self.folder, results['sample_stem'] + '.npy')
        mend = (
            'Make StreetWorld with the depth of every frame: python '
            'tools/make_street_world.py --truth-share 1'
        )
        if not os.path.isfile(path):
            raise FileNotFoundError(
                f'{path}: no exact depth of {results.get("img_path")}. {mend}'
            )
        depth = np.load(io.BytesIO(read_file(path)), allow_pickle=False)
        if depth.ndim != 2 or not (depth > 0).all():
            raise ValueError(
                f'{path}: expected positive metres (height, width), got an '
                f'array {depth.shape}. {mend}'
            )
        if depth.shape != tuple(results['img_shape'][:2]):
            raise ValueError(
                f'{path}: size {depth.shape[1]}x{depth.shape[0]} differs '
                f'from that of {results.get("img_path")} here. Put '
                'LoadExactDisparity in front of the resize.'
            )
        disparity = 1 / depth
        if self.normalize == 'minmax':
            disparity = stretch(disparity)
        results['disparity'] = np.ascontiguousarray(disparity, np.float32)
        # New lists: test-time copies of `results` share the old ones.
        for fields in ('seg_fields', 'map_fields'):
            results[fields] = [*results.get(fields, []), 'disparity']
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(folder={self.folder!r}, '
            f'normalize={self.normalize!r})'
        )
