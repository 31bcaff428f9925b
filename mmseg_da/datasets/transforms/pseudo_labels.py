# SPDX-License-Identifier: Apache-2.0
"""Loading of pseudo labels, and predictions at the size of the input."""

from __future__ import annotations

from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from ..image_files import read_file
from ..pseudo_label_files import decode_pseudo_label

__all__ = ['LoadPseudoLabels', 'PredictAtInputSize']


@TRANSFORMS.register_module()
class LoadPseudoLabels(BaseTransform):
    """Load a pseudo label at the size that the image has now.

    Pseudo labels have the size that predictions were made at, not that of
    the image file: place this after the resize to that size, before random
    geometry. No id mapping, no resize.

    Required keys: ``pseudo_label_path`` and ``num_classes`` (attached by
    :class:`PseudoLabeledDataset`), ``img_shape``. Added keys: ``gt_seg_map``
    (uint8 array of shape (H, W), train ids and 255), also named in
    ``seg_fields``.

    Args:
        backend_args: Arguments of mmengine's file backend.
    """

    def __init__(self, backend_args: dict | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Load ``results['pseudo_label_path']``.

        Raises:
            FileNotFoundError: The file is missing.
            ValueError: No path, a damaged file, a colour view, a value out
                of range, or another size than the image.
        """
        path = results.get('pseudo_label_path')
        if path is None:
            raise ValueError(
                f'LoadPseudoLabels: {results.get("img_path")} has no pseudo '
                "label; use PseudoLabeledDataset with part='easy' or 'all', "
                'or remove this transform'
            )
        data = read_file(path, self.backend_args)
        labels = decode_pseudo_label(data, path, results['num_classes'])
        height, width = results['img_shape'][:2]
        if labels.shape != (height, width):
            raise ValueError(
                f'{path}: pseudo label of {labels.shape[1]}x'
                f'{labels.shape[0]}, but {results.get("img_path")} is '
                f'{width}x{height} here (width x height). Resize images to '
                'the size of the ranking before LoadPseudoLabels, or rank '
                'at the size of the training.'
            )
        results['gt_seg_map'] = labels
        results['seg_fields'] = [*results.get('seg_fields', []), 'gt_seg_map']
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(backend_args={self.backend_args})'


@TRANSFORMS.register_module()
class PredictAtInputSize(BaseTransform):
    """Let predictions have the size of the network's input.

    Segmentors return logits at ``ori_shape``. Placed after the resize, this
    makes it the current size, so that logits are enlarged once only.

    Required keys: ``img_shape``. Modified keys: ``ori_shape``.
    """

    def transform(self, results: dict) -> dict:
        """Set ``ori_shape`` to ``img_shape``."""
        results['ori_shape'] = tuple(results['img_shape'][:2])
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
