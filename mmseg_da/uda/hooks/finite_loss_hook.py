# SPDX-License-Identifier: Apache-2.0
"""Stop a training whose loss has become NaN or infinite."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

_NEVER = -1


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Refuse to go on, or to save, after a loss that is not finite.

    Every iteration is looked at, on the device; the outcome is read every
    ``interval`` iterations and before every checkpoint, so that the GPU need
    not wait. No checkpoint is written after such a loss: the ones before it
    are kept.

    Args:
        interval: Iterations between two readings. Defaults to 50.

    Raises:
        ValueError: ``interval`` is not positive; in training, a loss is not
            finite: names its terms and the iteration.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(
                f'FiniteLossHook: interval={interval}; give a number of '
                'iterations from 1'
            )
        self.interval = interval
        self._names: tuple[str, ...] = ()
        self._first: Tensor | None = None

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Note on the device which terms are not finite; look now and then."""
        terms = {
            name: torch.as_tensor(value)
            for name, value in (outputs or {}).items()
            if 'loss' in name
        }
        if not terms:
            return
        if tuple(terms) != self._names:
            self._check()
            self._names, self._first = tuple(terms), None
        finite = torch.stack([x.detach().isfinite() for x in terms.values()])
        if self._first is None:
            self._first = torch.full_like(finite, _NEVER, dtype=torch.long)
        new = ~finite & (self._first == _NEVER)
        self._first = torch.where(new, runner.iter + 1, self._first)
        if (runner.iter + 1) % self.interval == 0:
            self._check()

    def after_train(self, runner: Runner) -> None:
        """Look at the last iterations."""
        self._check()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Never save what such a loss has trained."""
        self._check()

    def _check(self) -> None:
        if self._first is None:
            return
        first = dict(zip(self._names, self._first.tolist(), strict=True))
        bad = {name: when for name, when in first.items() if when != _NEVER}
        if not bad:
            return
        start = min(bad.values())
        terms = [name for name, when in bad.items() if when == start]
        parts = [name for name in terms if name != 'loss']
        raise ValueError(
            f'{", ".join(parts or terms)}: NaN or infinite since iteration '
            f'{start}. Nothing was saved after it. Look at the losses before; '
            'check the data with tools/doctor.py --data, lower the learning '
            'rate or leave --amp out, and go on from an earlier checkpoint '
            'with --resume.'
        )
