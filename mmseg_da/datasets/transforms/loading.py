# SPDX-License-Identifier: Apache-2.0
"""Loading of images and raw labels."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ..image_files import check_photograph, decode_bgr, read_file
from ..label_decoding import get_label_decoder

__all__ = ['CheckImageFile', 'LoadRawLabels', 'LoadStreetImage']


@TRANSFORMS.register_module()
class LoadStreetImage(BaseTransform):
    """Load an image and refuse a damaged file by name.

    Gives what mmcv's ``LoadImageFromFile`` gives, but a truncated PNG or
    JPEG is an error instead of a half-grey picture, and the stored pixels
    are kept (no EXIF rotation), because labels are stored the same way.

    Required keys: ``img_path``. Added keys: ``img`` (uint8 BGR array of
    shape (H, W, 3)), ``img_shape`` and ``ori_shape`` (H, W). A dataset with
    a cache serves its decoded, resized copy; ``ori_shape`` is then its size.

    Args:
        to_float32: Convert the image to float32, still in [0, 255].
        backend_args: Arguments of mmengine's file backend.
    """

    def __init__(
        self, to_float32: bool = False, backend_args: dict | None = None
    ) -> None:
        self.to_float32 = to_float32
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load ``results['img_path']``.

        Raises:
            FileNotFoundError: The file is missing.
            ValueError: The file is damaged or no image.
        """
        path = results['img_path']
        cached = results.get('cached_sample')
        if cached is not None:
            image = cached.image()
        else:
            image = decode_bgr(read_file(path, self.backend_args), path)
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['img_shape'] = image.shape[:2]
        results['ori_shape'] = image.shape[:2]
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(to_float32={self.to_float32}, '
            f'backend_args={self.backend_args})'
        )


@TRANSFORMS.register_module()
class CheckImageFile(BaseTransform):
    """Refuse a damaged file, or labels and depth for a photograph, by name.

    For test pipelines: mmseg's ``MMSegInferencer`` only accepts one that
    starts with mmcv's ``LoadImageFromFile``, which lets truncated files
    through. Images that come as arrays pass.

    Args:
        backend_args: Arguments of mmengine's file backend.
    """

    def __init__(self, backend_args: dict | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Check ``results['img_path']``, if there is one.

        Raises:
            FileNotFoundError: The file is missing.
            ValueError: The file is damaged, a palette or a 16-bit PNG.
        """
        path = results.get('img_path')
        if path is not None:
            check_photograph(read_file(path, self.backend_args), path)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(backend_args={self.backend_args})'


@TRANSFORMS.register_module()
class LoadRawLabels(BaseTransform):
    """Load a label file as downloaded and map it to train ids.

    Required keys: ``seg_map_path`` and either ``label_decoder`` (attached by
    :class:`RawSegDataset`) or ``label_table`` and ``class_view`` with the
    optional ``label_encoding`` and ``label_format``. Added keys:
    ``gt_seg_map`` (uint8 array of shape (H, W), 0..C-1 and 255 = ignore),
    also named in ``seg_fields``.

    Args:
        required: Raise if there is no ``seg_map_path``. Set it to False in
            test pipelines, so that they also serve images without labels
            (``mmseg.apis.inference_model``).
        backend_args: Arguments of mmengine's file backend.
    """

    def __init__(
        self, required: bool = True, backend_args: dict | None = None
    ) -> None:
        self.required = required
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load ``results['seg_map_path']``.

        Raises:
            FileNotFoundError: The file is missing.
            ValueError: No label path, damaged file, wrong pixel format,
                unknown ids, or another size than the image.
        """
        decoder = results.get('label_decoder')
        path = results.get('seg_map_path')
        if path is None:
            if not self.required:
                return results
            raise ValueError(
                f'LoadRawLabels: {results.get("img_path")} has no '
                'seg_map_path; the dataset was built with labeled=False. '
                'Remove LoadRawLabels from its pipeline or set labeled=True.'
            )
        if decoder is None:
            decoder = get_label_decoder(
                results['label_table'],
                results['class_view'],
                results.get('label_encoding', 'index8'),
                results.get('label_format', 'raw'),
            )
        cached = results.get('cached_sample')
        if cached is not None and cached.has_labels:
            labels = cached.labels()
        else:
            labels = decoder.decode(read_file(path, self.backend_args), path)
        self._check_size(labels, results)
        results['gt_seg_map'] = labels
        # A new list: test-time copies of `results` share the old one.
        results['seg_fields'] = [*results.get('seg_fields', []), 'gt_seg_map']
        return results

    @staticmethod
    def _check_size(labels: np.ndarray, results: dict) -> None:
        expected = results.get('ori_shape')
        if expected is None or labels.shape == tuple(expected):
            return
        height, width = labels.shape
        raise ValueError(
            f'{results["seg_map_path"]}: label size {width}x{height} differs '
            f'from the size {expected[1]}x{expected[0]} of its image '
            f'{results.get("img_path")}. Unpack both again; if the release '
            'itself is faulty, leave the pair out with '
            f'skip_files=[{results.get("sample_stem", "<stem>")!r}].'
        )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(required={self.required}, '
            f'backend_args={self.backend_args})'
        )
