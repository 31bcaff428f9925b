# SPDX-License-Identifier: Apache-2.0
"""Notice that self-supervised depth has become one plane."""

from __future__ import annotations

import logging
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

_KEY = 'depth_collapse_iters'


@HOOKS.register_module()
class DepthCollapseHook(Hook):
    """Warn when the disparity stays constant for many iterations.

    Photometric training sometimes collapses to constant depth and does not
    come back; another run with another seed usually works. Reads the
    ``disp_std`` that ``MonoDepthLoss`` reports.

    Args:
        threshold: Standard deviation of a batch's disparity below which it
            counts as constant. Defaults to 1e-3.
        patience: Iterations in a row before the warning. Defaults to 1000.

    Raises:
        ValueError: ``patience`` is not positive.
    """

    priority = 'BELOW_NORMAL'

    def __init__(self, threshold: float = 1e-3, patience: int = 1000) -> None:
        if patience < 1:
            raise ValueError(
                f'DepthCollapseHook: patience={patience}; give a number of '
                'iterations from 1'
            )
        self.threshold = threshold
        self.patience = patience
        self._low: Tensor | None = None

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Count; look at the count only now and then, it lies on the GPU."""
        values = [
            value
            for name, value in (outputs or {}).items()
            if name.endswith('disp_std')
        ]
        if not values:
            return
        lowest = torch.stack([torch.as_tensor(v) for v in values]).min()
        if self._low is None:
            self._low = torch.zeros((), dtype=torch.long)
        count = self._low.to(lowest.device) + 1
        self._low = count * (lowest < self.threshold)
        if (runner.iter + 1) % min(self.patience, 50):
            return
        if int(self._low) >= self.patience:
            print_log(
                f'the predicted disparity has been constant (standard '
                f'deviation below {self.threshold}) for {int(self._low)} '
                'iterations: the depth has collapsed. Stop and start again '
                'with another seed: --cfg-options randomness.seed=1',
                logger='current',
                level=logging.WARNING,
            )
            self._low = torch.zeros_like(self._low)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the count, so that a resumed run goes on with it."""
        checkpoint[_KEY] = 0 if self._low is None else int(self._low)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the count over when a run is resumed."""
        if runner._resume:
            self._low = torch.tensor(checkpoint.get(_KEY, 0))
