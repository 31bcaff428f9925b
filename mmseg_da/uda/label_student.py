# SPDX-License-Identifier: Apache-2.0
"""Training of a network on the images that were chosen so far."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from torch import nn

from mmseg_da.datasets.base_dataset import RawSegDataset

__all__ = ['student_config', 'train_student', 'training_images']

_runs = itertools.count()


def student_config(
    cfg: Config, chosen: Sequence[int], iters: int | None, seed: int
) -> Config:
    """Config of one student: its images, length and seed; no validation.

    Args:
        cfg: Config with one training dataset.
        chosen: Positions of its images in the sorted list.
        iters: Length; polynomial schedules end with it. None keeps the
            config's.
        seed: Seed of the training.

    Raises:
        ValueError: Several training datasets, or a schedule that cannot be
            shortened.
    """
    cfg = Config(cfg.to_dict())
    # The order of choice must not decide the training.
    _training_set(cfg).indices = sorted(chosen)
    if iters is not None:
        _set_length(cfg, iters)
    cfg.randomness = {**cfg.get('randomness', {}), 'seed': seed}
    for phase in ('val', 'test'):
        for part in ('dataloader', 'evaluator', 'cfg'):
            cfg[f'{phase}_{part}'] = None
    cfg.load_from = None
    return cfg


def training_images(cfg: Config) -> RawSegDataset:
    """All images of the training set, of which a student sees some.

    Args:
        cfg: Config with one training dataset.

    Raises:
        ValueError: Several training datasets.
        FileNotFoundError: The images are missing.
    """
    settings = {**_training_set(cfg), 'indices': None, 'pipeline': []}
    dataset = DATASETS.build(settings)
    dataset.full_init()
    return dataset


def _training_set(cfg: Config) -> ConfigDict:
    train = cfg.train_dataloader.dataset
    members = train.get('datasets', [train])
    if len(members) != 1 or 'data_root' not in members[0]:
        kinds = ', '.join(member['type'] for member in members)
        raise ValueError(
            f'--student: it trains on several sets ({kinds}); give a config '
            'with one, whose images can be chosen'
        )
    return members[0]


def _set_length(cfg: Config, iters: int) -> None:
    before = cfg.train_cfg.max_iters
    cfg.train_cfg.max_iters = iters
    for scheduler in cfg.get('param_scheduler') or []:
        if scheduler.get('begin', 0) >= iters:
            raise ValueError(
                f'--iters {iters}: {scheduler.type} of the student begins at '
                f'{scheduler.begin}; give more iterations'
            )
        if scheduler.type == 'PolyLR':
            # mmengine's polynomial reaches 0 one update before its end.
            scheduler.end += iters - before


def train_student(cfg: Config, work_dir: str | Path) -> nn.Module:
    """Train, or go on with an interrupted training; returns the network.

    Args:
        cfg: From :func:`student_config`.
        work_dir: Logs and checkpoints, of this student alone.
    """
    cfg = Config(cfg.to_dict())
    cfg.work_dir = str(work_dir)
    cfg.resume = True  # from its own last checkpoint, if there is one
    # Loggers and visualisers are global: a name per training.
    name = f'{Path(work_dir).name}_{os.getpid()}_{next(_runs)}'
    cfg.experiment_name = f'label_student_{name}'
    if cfg.get('visualizer'):
        cfg.visualizer.name = cfg.experiment_name
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner.model
