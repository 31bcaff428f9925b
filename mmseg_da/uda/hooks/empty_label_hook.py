# SPDX-License-Identifier: Apache-2.0
"""Tell of training labels without a single valid pixel."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor


@HOOKS.register_module()
class EmptyLabelHook(Hook):
    """Count the training labels in which every pixel is ignored.

    Such an image gives a supervised loss of zero and no error. One now and
    then is a crop of nothing; many are a wrong label folder or class map. The
    warning comes at 1, 2, 4, 8, ... such labels, with their number since the
    start of the process. Looked at on the CPU, before the batch is moved.

    Args:
        ignore_index (int): Label without loss. Defaults to 255.
    """

    priority = 'NORMAL'

    def __init__(self, ignore_index: int = 255) -> None:
        self.ignore_index = ignore_index
        self.count = 0
        self._next_warning = 1

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Look at the labels of a batch."""
        name = ''
        for sample in _samples((data_batch or {}).get('data_samples')):
            label: Tensor = sample.gt_sem_seg.data
            if not (label != self.ignore_index).any():
                self.count += 1
                name = sample.get('img_path', 'an image')
        if self.count >= self._next_warning and name:
            self._next_warning = 2 * self.count
            print_log(
                f'{self.count} training labels so far have no valid pixel '
                f'(all {self.ignore_index}), the last is that of {name}. Such '
                'an image adds no supervised loss; many of them mean a wrong '
                'label folder or class_view.',
                'current',
                level=logging.WARNING,
            )


def _samples(data_samples: Any) -> Iterator[Any]:
    """Labelled samples of all branches."""
    if isinstance(data_samples, dict):
        data_samples = [s for part in data_samples.values() for s in part]
    for sample in data_samples or ():
        if sample is not None and 'gt_sem_seg' in sample:
            yield sample
