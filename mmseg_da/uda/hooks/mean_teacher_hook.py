# SPDX-License-Identifier: Apache-2.0
"""Let the teacher follow the segmentor."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import BaseAveragedModel, is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import nn

from mmseg_da.engine.optim_wrappers import accumulative_counts


@HOOKS.register_module()
class MeanTeacherHook(Hook):
    """Update ``model.teacher`` from ``model.segmentor`` after each step.

    The arithmetic (momentum, warm-up, buffers) belongs to the teacher, an
    mmengine EMA module such as :class:`~mmseg_da.engine.FusedEMA`. At
    iteration 0 the teacher becomes a copy of the segmentor, whose weights are
    loaded or initialised only after both were built; a resumed run keeps the
    teacher of the checkpoint. Runs after the optimiser step and before the
    checkpoint is written.

    Args:
        interval (int): Update every ``interval``-th optimiser step; with
            gradient accumulation these are fewer than the iterations.
            Defaults to 1.
        skip_iters (int): No update in the first ``skip_iters`` iterations.
            Defaults to 0.

    Raises:
        ValueError: If an argument is out of range or, before training, the
            model has no teacher.
    """

    priority = 'NORMAL'

    def __init__(self, interval: int = 1, skip_iters: int = 0) -> None:
        if interval < 1:
            raise ValueError(
                f'MeanTeacherHook.interval={interval} must be >= 1'
            )
        if skip_iters < 0:
            raise ValueError(
                f'MeanTeacherHook.skip_iters={skip_iters} must be >= 0'
            )
        self.interval = interval
        self.skip_iters = skip_iters

    def before_train(self, runner: Runner) -> None:
        """Check the model; copy the segmentor into a new teacher."""
        model = _unwrap(runner.model)
        teacher = getattr(model, 'teacher', None)
        if not isinstance(teacher, BaseAveragedModel):
            raise ValueError(
                f'MeanTeacherHook: {type(model).__name__}.teacher is '
                f'{type(teacher).__name__}, expected an EMA module; set '
                "model.teacher=dict(type='FusedEMA', momentum=...), or remove "
                'the hook'
            )
        if runner.iter == 0:
            teacher.module.load_state_dict(model.segmentor.state_dict())

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Update the teacher if this iteration stepped the optimisers."""
        done = runner.iter + 1
        if done <= self.skip_iters:
            return
        counts = accumulative_counts(runner.optim_wrapper)
        if done % counts and done != runner.max_iters:
            return
        if -(-done // counts) % self.interval == 0:
            model = _unwrap(runner.model)
            model.teacher.update_parameters(model.segmentor)


def _unwrap(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model
