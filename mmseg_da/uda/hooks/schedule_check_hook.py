# SPDX-License-Identifier: Apache-2.0
"""Refuse to train on after the learning rate has reached its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.optim.scheduler.param_scheduler import PolyParamScheduler
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class ScheduleCheckHook(Hook):
    """Compare the length of a training with its polynomial schedules.

    Beyond its ``end`` the polynomial ``(1 - i / (end - 1)) ** power`` has no
    value (a negative base), and mmengine silently goes on with the last one,
    normally zero. ``max_iters == end`` is allowed: the last iteration has the
    last value. A schedule that another one continues is not looked at.

    Raises:
        ValueError: If ``train_cfg.max_iters`` is beyond the end of a
            polynomial, before iteration 0.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Check every scheduler of every optimiser.

        Args:
            runner: The Runner, about to train.
        """
        for where, schedulers in _by_optimizer(runner.param_schedulers):
            last = max(s.end for s in schedulers)
            for scheduler in schedulers:
                if (
                    isinstance(scheduler, PolyParamScheduler)
                    and not scheduler.by_epoch
                    and scheduler.end == last < runner.max_iters
                ):
                    raise ValueError(
                        f'train_cfg.max_iters={runner.max_iters} is beyond '
                        f'the end of {where}: its polynomial of '
                        f'{last - 1} iterations ends at {last}, and the '
                        'learning rate would stay at its last value. Set the '
                        "scheduler's end to (iterations of the polynomial) + "
                        f'1, at least {runner.max_iters}, or train shorter.'
                    )


def _by_optimizer(schedulers: Any) -> Iterator[tuple[str, Sequence]]:
    """Lists of schedulers with their config key."""
    if not schedulers:
        return
    if isinstance(schedulers, dict):
        for name, entries in schedulers.items():
            yield f'param_scheduler.{name}', entries
    else:
        yield 'param_scheduler', schedulers
