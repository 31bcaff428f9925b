# SPDX-License-Identifier: Apache-2.0
"""Refuse to start with parts that disagree about the classes."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from mmseg.registry import HOOKS

from mmseg_da.utils.class_claims import (
    Claim,
    checkpoint_claims,
    class_weight_problems,
    dataset_claims,
    disagreement,
    metric_claim,
    model_claims,
)


@HOOKS.register_module()
class ClassViewCheckHook(Hook):
    """Compare the class views of data, model, metrics and checkpoint.

    Runs before iteration 0 of training and before testing; a checkpoint
    (``load_from``, resume, the one of ``tools/test.py``) is looked at before
    its weights are taken over.

    Raises:
        ValueError: If two of them differ, naming all; or if the number of
            class weights of a loss is not the number of classes.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Compare everything that is built.

        Args:
            runner: The Runner, about to train or test.
        """
        problems = class_weight_problems(runner.model)
        _refuse(disagreement(list(_claims(runner))), *problems)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare a checkpoint with what is built.

        Args:
            runner: The Runner.
            checkpoint: Content of the file.
        """
        where = f'checkpoint {str(runner._load_from)!r}'
        found = checkpoint_claims(checkpoint, runner.model, where)
        _refuse(disagreement([*_claims(runner), *found]))


def _refuse(*problems: str) -> None:
    found = [problem for problem in problems if problem]
    if found:
        raise ValueError('\n'.join(found))


def _claims(runner: Runner) -> Iterator[Claim]:
    """Claims of the model and of the loops of this run."""
    yield from model_claims(runner.model)
    for name in ('train', 'val', 'test'):
        # The public properties would build a loop that is not needed.
        loop = getattr(runner, f'_{name}_loop')
        if not isinstance(loop, BaseLoop):
            continue
        where = f'{name}_dataloader.dataset'
        yield from dataset_claims(loop.dataloader.dataset, where)
        evaluator = getattr(loop, 'evaluator', None)
        for metric in getattr(evaluator, 'metrics', ()):
            claim = metric_claim(
                f'{name}_evaluator ({type(metric).__name__})',
                getattr(metric, 'class_view', None),
            )
            if claim is not None:
                yield claim
