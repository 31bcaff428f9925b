# SPDX-License-Identifier: Apache-2.0
"""Loading of depth and disparity maps."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ..depth_decoding import (
    SYNTHIA_FAR,
    decode_cityscapes_disparity,
    decode_grey,
    inverse_depth,
    read_camera,
    sigmoid_to_depth,
)
from ..image_files import read_file

__all__ = ['LoadDepth', 'LoadDisparity']


def _choose(transform: str, key: str, value: str, allowed: tuple) -> str:
    if value not in allowed:
        raise ValueError(
            f'{transform}: {key}={value!r} is unknown; allowed: '
            f'{list(allowed)}'
        )
    return value


def _path(transform: str, results: dict, key: str, mend: str) -> str:
    if key not in results:
        raise ValueError(
            f'{transform}: {results.get("img_path")} has no {key}. {mend}'
        )
    return results[key]


def _add(results: dict, path: str, maps: dict[str, np.ndarray]) -> dict:
    """Add maps that follow the image's geometry like labels (nearest)."""
    expected = results.get('ori_shape')
    for key, array in maps.items():
        if expected is not None and array.shape != tuple(expected):
            raise ValueError(
                f'{path}: size {array.shape[1]}x{array.shape[0]} differs '
                f'from the size {expected[1]}x{expected[0]} of its image '
                f'{results.get("img_path")}. Unpack both again; a cached or '
                'downsampled image needs maps of its own size.'
            )
        results[key] = array
    # New lists: test-time copies of `results` share the old ones.
    for fields in ('seg_fields', 'map_fields'):
        results[fields] = [*results.get(fields, []), *maps]
    return results


@TRANSFORMS.register_module()
class LoadDepth(BaseTransform):
    """Load a SYNTHIA depth map: 16-bit PNG, centimetres.

    Required keys: ``depth_path`` (``SynthiaDataset(depth=True)``). Added
    keys, both (H, W) and named in ``seg_fields`` and ``map_fields``, so that
    every geometric transform moves them by nearest neighbour:
    ``gt_depth_map`` (float32) and ``depth_valid`` (uint8, 1 where the depth
    is known and finite: neither 0 nor 65535, the sky).

    Args:
        output: 'metres'; 'centimetres', as stored; 'inverse', 65536 / (d + 1)
            with d in centimetres (DADA, CTRL and Depth Distribution; they
            mask nothing).
        backend_args: Arguments of mmengine's file backend.

    Raises:
        ValueError: Unknown output.
    """

    OUTPUTS = ('metres', 'centimetres', 'inverse')

    def __init__(
        self, output: str = 'metres', backend_args: dict | None = None
    ) -> None:
        self.output = _choose('LoadDepth', 'output', output, self.OUTPUTS)
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load ``results['depth_path']``.

        Raises:
            FileNotFoundError: The file is missing.
            ValueError: No path, damaged, not 16-bit, or of another size.
        """
        mend = 'Set depth=True on the SynthiaDataset.'
        path = _path('LoadDepth', results, 'depth_path', mend)
        raw = decode_grey(read_file(path, self.backend_args), path, 16)
        if self.output == 'inverse':
            depth = inverse_depth(raw)
        else:
            unit = 100 if self.output == 'metres' else 1
            depth = raw.astype(np.float32) / unit
        valid = ((raw > 0) & (raw < SYNTHIA_FAR)).astype(np.uint8)
        maps = {'gt_depth_map': depth, 'depth_valid': valid}
        return _add(results, path, maps)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(output={self.output!r})'


@TRANSFORMS.register_module()
class LoadDisparity(BaseTransform):
    """Load a disparity map.

    Encodings:

    - 'cityscapes': 16-bit p; 0 invalid, else (p - 1) / 256 pixels of the raw
      image. Depth is baseline * fx / disparity; disparity 0 gets the depth of
      the smallest positive one of the image (CTRL, Saha et al., CVPR 2021).
      Depth needs ``camera_path``.
    - 'sigmoid8', 'sigmoid16': sigmoid disparity of an SDE network, p / 255
      (normalised per image) and p / 65535; all valid. Depth is
      1 / (0.01 + 9.99 s).

    Required keys: ``disparity_path``. Added keys, (H, W) and named in
    ``seg_fields`` and ``map_fields``: ``disparity`` and ``disparity_valid``
    for output 'disparity', else ``gt_depth_map`` and ``depth_valid`` (float32
    and uint8). Invalid pixels hold 0, never NaN. Disparities keep their
    values when the image is resized.

    Args:
        encoding: See above.
        infinite: What disparity 0 means for depth: 'least' (see above) or
            'invalid', so that sky takes no part in depth metrics.
        output: 'disparity'; 'depth' in metres; 'inverse_depth',
            65536 / (100 depth + 1).
        backend_args: Arguments of mmengine's file backend.

    Raises:
        ValueError: Unknown encoding or output.
    """

    ENCODINGS = ('cityscapes', 'sigmoid8', 'sigmoid16')
    OUTPUTS = ('disparity', 'depth', 'inverse_depth')
    INFINITE = ('least', 'invalid')

    def __init__(
        self,
        encoding: str = 'cityscapes',
        output: str = 'disparity',
        infinite: str = 'least',
        backend_args: dict | None = None,
    ) -> None:
        name = 'LoadDisparity'
        self.encoding = _choose(name, 'encoding', encoding, self.ENCODINGS)
        self.output = _choose(name, 'output', output, self.OUTPUTS)
        self.infinite = _choose(name, 'infinite', infinite, self.INFINITE)
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load ``results['disparity_path']``.

        Raises:
            FileNotFoundError: The file is missing.
            ValueError: No path, damaged, of another bit depth or size, or
                no camera.
        """
        mend = 'Set disparity=True on the CityscapesSequenceDataset.'
        path = _path('LoadDisparity', results, 'disparity_path', mend)
        bits = 8 if self.encoding == 'sigmoid8' else 16
        raw = decode_grey(read_file(path, self.backend_args), path, bits)
        if self.encoding == 'cityscapes':
            values, valid = decode_cityscapes_disparity(raw)
        else:
            values = raw.astype(np.float32) / (2**bits - 1)
            valid = np.ones(raw.shape, bool)
        name = 'disparity'
        if self.output != 'disparity':
            if self.infinite == 'invalid':
                valid = valid & (values > 0)
            values, name = self._depth(values, valid, results), 'depth'
        key = 'gt_depth_map' if name == 'depth' else name
        maps = {key: values, f'{name}_valid': valid.astype(np.uint8)}
        return _add(results, path, maps)

    def _depth(
        self, disparity: np.ndarray, valid: np.ndarray, results: dict
    ) -> np.ndarray:
        if self.encoding == 'cityscapes':
            mend = 'Depth needs camera=True on the CityscapesSequenceDataset.'
            path = _path('LoadDisparity', results, 'camera_path', mend)
            camera = read_camera(path, self.backend_args)
            positive = disparity[disparity > 0]
            least = positive.min() if positive.size else np.float32(1 / 256)
            depth = camera.baseline * camera.fx / np.maximum(disparity, least)
        else:
            depth = sigmoid_to_depth(disparity)
        if self.output == 'inverse_depth':
            depth = inverse_depth(100 * depth)
        return np.where(valid, depth, 0).astype(np.float32)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(encoding={self.encoding!r}, '
            f'output={self.output!r})'
        )
