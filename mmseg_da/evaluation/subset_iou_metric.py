# SPDX-License-Identifier: Apache-2.0
"""Mean IoU of all classes and of class subsets from one confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS
from prettytable import PrettyTable
from torch import Tensor

from mmseg_da.utils.files import atomic_write

from .confusion import (
    class_accuracy,
    class_iou,
    confusion_matrix,
    pixel_accuracy,
    subset_mean,
)
from .views import classes_of, subset_indices, view_of


@METRICS.register_module()
class SubsetIoUMetric(BaseMetric):
    """IoU of every class, its mean, and its mean over class subsets.

    The scores of the adaptation papers: predictions at the size of the label
    file, one confusion matrix over all images, mean over classes that occur
    in the labels or in the predictions (SAC, IntraDA, Depth Distribution:
    section 8 of each reference implementation's evaluation).

    A subset mean averages the class IoUs of the *same* matrix over the
    classes of the subset, so that a pixel of a kept class predicted as a
    dropped class is a miss, and a pixel of a dropped class predicted as a
    kept class is a false alarm. With a 19-class model this is the protocol
    of the 16 and 13 classes of SYNTHIA to Cityscapes; a model with the
    ``cityscapes16`` view ignores the three other classes in the labels.

    Results (Python floats, percent, not rounded): ``aAcc``, ``mIoU``,
    ``mAcc``, ``mIoU<subset>`` and ``IoU.<class>``. Classes that occur
    nowhere are NaN in the printed table and absent from the results.

    Args:
        ignore_index: Label value that is not counted.
        subsets: Subset name to class names. None takes the subsets of the
            data's class view (``class_views.SUBSETS``).
        class_view: View that the data must have; None accepts any.
        absent: 'skip' leaves classes that occur nowhere out of the mean IoUs;
            'zero' counts them as 0 (how SAC's training chose checkpoints).
        confusion_file: ``.npz`` to write after each evaluation with the
            arrays ``confusion`` (C, C), ``classes``, ``class_view``,
            ``ignore_index``; loads with ``allow_pickle=False``.
        collect_device: ``'cpu'`` or ``'gpu'``, for several processes.
        prefix: Put before the names of the results, with a slash.

    Attributes:
        last_confusion (np.ndarray | None): int64 (C, C) of the last
            evaluation on the main process; rows are labels.
    """

    # Without a prefix mmengine warns, unless it is the empty one.
    default_prefix = ''

    def __init__(
        self,
        ignore_index: int = 255,
        subsets: Mapping[str, Sequence[str]] | None = None,
        class_view: str | None = None,
        confusion_file: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        absent: str = 'skip',
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if absent not in ('skip', 'zero'):
            raise ValueError(
                f'SubsetIoUMetric.absent={absent!r}; allowed: skip, zero'
            )
        if confusion_file is not None and not str(confusion_file).endswith(
            '.npz'
        ):
            raise ValueError(
                f'confusion_file={str(confusion_file)!r} must end in .npz'
            )
        self.ignore_index = ignore_index
        self.subsets = subsets
        self.class_view = class_view
        self.confusion_file = confusion_file
        self.absent = absent
        self.last_confusion: np.ndarray | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch.

        One small matrix per image is kept (3 kB at 19 classes) instead of a
        running sum, because the images that a distributed sampler repeats to
        fill its last batch can only be dropped while they are separate.

        Args:
            data_batch: Not used.
            data_samples: Predictions with ``pred_sem_seg`` and
                ``gt_sem_seg``, each data of (1, H, W) train ids.

        Raises:
            ValueError: No label, other sizes, other number of classes, or
                values outside the classes; names the image.
        """
        classes = classes_of(self.dataset_meta)
        view_of(self.dataset_meta, self.class_view)
        for sample in data_samples:
            name = sample.get('img_path', 'image without img_path')
            if 'gt_sem_seg' not in sample:
                raise ValueError(
                    f'{name}: no label to compare with. Add LoadRawLabels to '
                    'the test pipeline and labeled=True to the data set, or '
                    'use tools/test.py --format-only.'
                )
            self._check_channels(sample, len(classes), name)
            try:
                matrix = confusion_matrix(
                    sample['pred_sem_seg']['data'].squeeze(0),
                    sample['gt_sem_seg']['data'].squeeze(0),
                    len(classes),
                    self.ignore_index,
                )
            except ValueError as error:
                raise ValueError(f'{name}: {error}') from error
            self.results.append(matrix.cpu())

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """Sum the matrices of all images and read the scores.

        Args:
            results: One int64 (C, C) tensor per image.

        Returns:
            The scores, see the class.
        """
        classes = classes_of(self.dataset_meta)
        view = view_of(self.dataset_meta, self.class_view)
        matrix = torch.zeros(len(classes), len(classes), dtype=torch.int64)
        for part in results:
            matrix += part
        self.last_confusion = matrix.numpy()
        if self.confusion_file is not None:
            self._write_confusion(classes, view)
        iou, acc = 100 * class_iou(matrix), 100 * class_accuracy(matrix)
        averaged = iou.nan_to_num(0) if self.absent == 'zero' else iou
        subsets = subset_indices(self.subsets, classes, view)
        scores = {
            'aAcc': 100 * pixel_accuracy(matrix),
            'mIoU': subset_mean(averaged),
            'mAcc': subset_mean(acc),
        }
        for subset, indices in subsets.items():
            scores[f'mIoU{subset}'] = subset_mean(averaged, indices)
        self._log_table(classes, iou.tolist(), acc.tolist(), subsets)
        for name, value in zip(classes, iou.tolist(), strict=True):
            if not np.isnan(value):
                scores[f'IoU.{name}'] = value
        return scores

    def _check_channels(self, sample: dict, expected: int, name: str) -> None:
        """Compare the number of predicted classes with that of the data."""
        if 'seg_logits' not in sample:
            return
        channels = sample['seg_logits']['data'].shape[0]
        if channels != expected:
            view = (self.dataset_meta or {}).get('class_view', 'the data set')
            raise ValueError(
                f'{name}: the model predicts {channels} classes, but {view} '
                f'has {expected}. Give the model and the data the same class '
                'view (num_classes of the decode head, class_view of the '
                'data set).'
            )

    def _write_confusion(
        self, classes: tuple[str, ...], view: str | None
    ) -> None:
        with (
            atomic_write(self.confusion_file) as path,
            path.open('wb') as file,
        ):
            np.savez_compressed(
                file,
                confusion=self.last_confusion,
                classes=np.array(classes),
                class_view=np.array(view or ''),
                ignore_index=np.array(self.ignore_index),
            )

    def _log_table(
        self,
        classes: tuple[str, ...],
        iou: list[float],
        acc: list[float],
        subsets: dict[str, list[int]],
    ) -> None:
        """Log one line per class; marks show the subsets it belongs to."""
        table = PrettyTable(['class', 'IoU', 'Acc', *subsets])
        table.align = 'r'
        table.align['class'] = 'l'
        for index, name in enumerate(classes):
            marks = ['x' if index in ids else '' for ids in subsets.values()]
            row = [name, f'{iou[index]:.2f}', f'{acc[index]:.2f}']
            table.add_row([*row, *marks])
        print_log(f'per class (%):\n{table}', logger='current')
