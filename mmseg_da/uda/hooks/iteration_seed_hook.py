# SPDX-License-Identifier: Apache-2.0
"""Exact resume: randomness as a function of the iteration."""

from __future__ import annotations

from typing import Any

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_da.engine.rng import seed_everything


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed all global generators before every training iteration.

    Python, numpy and torch (CPU and CUDA) are seeded from (run seed, rank,
    iteration). Dropout, mixing and every other draw of the model are then a
    pure function of these three: a resumed run repeats the unbroken one
    without generator states in the checkpoint, and validation in between
    does not matter. The data side has its own seeds (``DomainConcatDataset``).

    Raises:
        ValueError: On resuming with another seed than the checkpoint's, or
            without a seed in the config, since then neither data nor model
            would repeat the run.
    """

    priority = 'HIGHEST'

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Refuse to resume with another seed."""
        saved = checkpoint.get('meta', {}).get('seed')
        # Set for load_from too; only a resumed run has to repeat another.
        if not runner._resume or saved is None:
            return
        seed = runner._randomness_cfg.get('seed')
        if seed != saved:
            raise ValueError(
                f'the checkpoint was trained with randomness.seed={saved}, '
                f'this run has randomness.seed={seed}; resume with '
                f'--cfg-options randomness.seed={saved}, or start a new run '
                'from these weights with load_from and resume=False'
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Seed the generators for this iteration."""
        seed_everything(runner.seed, get_rank(), runner.iter)
