# SPDX-License-Identifier: Apache-2.0
"""All checks of the data of one config."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn

from mmseg_da.utils.tool_runner import error_text, load_config

from ..environment import check_folder
from ..report import Check
from .class_view_checks import class_view_checks, config_claims
from .config_datasets import find_datasets
from .content_checks import ReadOptions, content_checks
from .folder_checks import folder_checks, open_dataset
from .weight_checks import weight_checks

__all__ = ['data_checks']

_CONFIG_ERRORS = (ValueError, OSError, KeyError, ImportError, SyntaxError)
_BUILD_ERRORS = (*_CONFIG_ERRORS, TypeError, AttributeError, RuntimeError)


def data_checks(
    config: str, options: ReadOptions, overrides: Sequence[str] = ()
) -> list[Check]:
    """Check everything that a config reads, before any training.

    Args:
        config: Config file.
        options: Which files are read.
        overrides: ``KEY=VALUE`` settings that override the config.

    Returns:
        Rows for every data set, the class views, the pretrained weights and
        the space for results.
    """
    with _quiet():
        try:
            cfg = load_config(config, list(overrides))
        except _CONFIG_ERRORS as error:
            advice = 'give a config file, e.g. of configs/methods'
            return [Check('config', 'fail', error_text(error), advice)]
        init_default_scope(cfg.get('default_scope') or 'mmseg')
        return list(_checks(cfg, config, options))


def _checks(cfg: Config, config: str, options: ReadOptions) -> Iterator[Check]:
    uses = find_datasets(cfg)
    if not uses:
        advice = 'name one in train_dataloader, val_dataloader or a hook'
        yield Check('config', 'fail', f'{config} names no data set', advice)
    built = []
    for use in uses:
        dataset, problems = open_dataset(use)
        yield from problems
        if dataset is not None:
            built.append((use, dataset))
            yield from folder_checks(use, dataset)
            yield from content_checks(use.title, dataset, options)
    model, problems = _build_model(cfg)
    yield from problems
    claims = config_claims(cfg, built, model)
    yield from class_view_checks(claims, model)
    if model is not None:
        yield from weight_checks(cfg, model, claims)
    yield from _space_checks(cfg, config)


def _build_model(cfg: Config) -> tuple[nn.Module | None, list[Check]]:
    if not cfg.get('model'):
        return None, []
    try:
        return MODELS.build(cfg.model), []
    except _BUILD_ERRORS as error:
        advice = 'correct model in the config; its weights were not checked'
        return None, [Check('model', 'fail', error_text(error), advice)]


def _space_checks(cfg: Config, config: str) -> list[Check]:
    """Space where checkpoints and logs will be written."""
    work_dir = cfg.get('work_dir') or f'work_dirs/{Path(config).stem}'
    folder = Path(work_dir).expanduser().absolute()
    while not folder.is_dir():
        folder = folder.parent
    return check_folder('work_dir', folder)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what data sets and models log out of the table."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
