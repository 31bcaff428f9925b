# SPDX-License-Identifier: Apache-2.0
"""One test of one checkpoint with a Runner of its own."""

from __future__ import annotations

import copy
import itertools
import os
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_da.utils.checkpoint_guard import CheckpointGuard

from .record_maker import RecordHook, has_scores, make_record
from .record_schema import Record

TEST_KEYS = ('model', 'test_dataloader', 'test_evaluator', 'test_cfg')
_numbers = itertools.count()


def require_test_keys(cfg: Config, name: str) -> None:
    """Check that a config can test.

    Args:
        cfg: The config.
        name: Its name, for the message.

    Raises:
        ValueError: A key is missing.
    """
    for key in TEST_KEYS:
        if not cfg.get(key):
            raise ValueError(f'{name}: {key} is not set; needed to test')


def own_experiment_name(cfg: Config) -> str:
    """A name no other Runner of this process has; loggers are global."""
    stem = Path(cfg.filename or 'config').stem
    return f'{stem}_test_{os.getpid()}_{next(_numbers)}'


def score_checkpoint(
    cfg: Config, config: str | Path, checkpoint: str | Path
) -> tuple[dict[str, float], Record | None]:
    """Test a checkpoint as ``tools/test.py`` does.

    Args:
        cfg: The config; not changed. Its ``work_dir`` gets the logs.
        config: Config file, for the record.
        checkpoint: Weights.

    Returns:
        What the evaluators returned, and the record; None where the config
        has no ``SubsetIoUMetric``.

    Raises:
        ValueError: The weights do not fit the config.
    """
    cfg = copy.deepcopy(cfg)
    cfg.load_from, cfg.resume = str(checkpoint), False
    cfg.experiment_name = own_experiment_name(cfg)
    scored = has_scores(cfg.test_evaluator)
    runner = Runner.from_cfg(cfg)
    hook = RecordHook()
    runner.register_hook(CheckpointGuard(str(checkpoint)))
    runner.register_hook(hook)
    metrics = {key: float(value) for key, value in runner.test().items()}
    if not scored:
        return metrics, None
    return metrics, make_record(
        runner, hook, metrics, config, checkpoint, tta=False
    )
