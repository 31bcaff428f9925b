# SPDX-License-Identifier: Apache-2.0
"""How any config of the suite is shrunk and run in a test."""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.runner import Runner, load_checkpoint  # noqa: F401

REPO = Path(__file__).resolve().parents[1]
CONFIGS = sorted((REPO / 'configs/methods').glob('*_*.py'))
WIDTH = 4  # channels of the first stage; 64 in the published nets
CROP_WIDTH = 128
_names = itertools.count()


def dataset_roots(street_world: Path) -> dict[str, str]:
    """Environment that points every config at StreetWorld."""
    return {
        'STREET_WORLD_ROOT': str(street_world),
        'GTA_ROOT': str(street_world / 'gta'),
        'CITYSCAPES_ROOT': str(street_world / 'cityscapes'),
        'CAMVID_ROOT': str(street_world / 'camvid'),
    }


def small_config(
    path: Path, street_world: Path, work_dir: Path, iters: int = 2
) -> Config:
    """A config of the suite, shrunk to seconds on one core.

    Same method, hooks, optimisers, schedules and pipelines; published nets
    become 16 times narrower, crops at most 128 wide, data StreetWorld.
    """
    with mock.patch.dict(os.environ, dataset_roots(street_world)):
        cfg = Config.fromfile(path)
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = f'test_{os.getpid()}_{next(_names)}'
    crop = cfg.model.data_preprocessor.data_preprocessor.size
    factor = min(1.0, CROP_WIDTH / crop[1])
    _visit(cfg._cfg_dict, lambda node: _shrink(node, factor))
    cfg.train_cfg.max_iters = iters
    cfg.train_cfg.val_interval = iters
    cfg.default_hooks.checkpoint.interval = iters
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    cfg.default_hooks.logger.interval = 1
    return cfg


def _visit(node, change) -> None:
    if isinstance(node, dict):
        change(node)
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for child in node:
            _visit(child, change)


def _shrink(node: ConfigDict, factor: float) -> None:
    for key in ('scale', 'crop_size', 'size'):
        if isinstance(node.get(key), tuple):
            node[key] = tuple(round(side * factor) for side in node[key])
    if 'num_workers' in node:
        node['num_workers'] = 0
        node['persistent_workers'] = False
    if node.get('type') == 'TargetBNHook':
        node.update(interval=1, num_images=4)
    backbone = node.get('backbone')
    if isinstance(backbone, dict):
        _shrink_segmentor(node, backbone)


def _shrink_segmentor(segmentor: ConfigDict, backbone: ConfigDict) -> None:
    backbone.pop('init_cfg', None)
    if backbone.get('depth', 101) < 50:
        return
    backbone.update(depth=50, base_channels=WIDTH, stem_channels=WIDTH)
    for name in ('decode_head', 'auxiliary_head'):
        head = segmentor.get(name)
        if head is not None:
            head.in_channels = head.in_channels * WIDTH // 64


def without_batch_coupling(cfg: Config) -> Config:
    """GroupNorm for BatchNorm and no dropout.

    What remains depends on each sample alone, so that one process with batch
    2N and two with batch N must agree.
    """

    def change(node: ConfigDict) -> None:
        if node.get('type') == 'BN':
            node.clear()
            node.update(type='GN', num_groups=2)
        if 'dropout_ratio' in node:
            node['dropout_ratio'] = 0
        if node.get('type') == 'ResNetDeepLab':
            node['norm_cfg'] = dict(type='GN', num_groups=2)

    _visit(cfg._cfg_dict, change)
    cfg.custom_hooks = [
        hook
        for hook in cfg.get('custom_hooks', [])
        if hook['type'] != 'TargetBNHook'
    ]
    return cfg


class Recorder(Hook):
    """Keeps the log variables of every iteration."""

    def __init__(self) -> None:
        self.logs: list[dict[str, float]] = []

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        self.logs.append({k: float(v) for k, v in outputs.items()})


def run(cfg: Config, validate: bool = False) -> tuple[Runner, Recorder]:
    """Train in process; returns the Runner and what was logged."""
    if not validate:
        for key in ('val_dataloader', 'val_evaluator', 'val_cfg'):
            cfg[key] = None
    cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
    recorder = Recorder()
    runner = Runner.from_cfg(cfg)
    runner.register_hook(recorder)
    runner.train()
    return runner, recorder


@contextmanager
def watch_gradients(model: torch.nn.Module):
    """Collect the names of the parameters that receive a gradient."""
    seen: set[str] = set()
    handles = [
        parameter.register_hook(lambda _, name=name: seen.add(name))
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    ]
    yield seen
    for handle in handles:
        handle.remove()


def state_difference(one: dict, other: dict) -> list[str]:
    """Names of the entries that are not bit-equal."""
    names = sorted(set(one) ^ set(other))
    return names + [
        name
        for name in one
        if name in other and not torch.equal(one[name], other[name])
    ]


def variants() -> list[Path]:
    """One config per method variant: those that share their algorithm."""
    chosen: dict[tuple, Path] = {}
    with mock.patch('mmengine.config.config.import_modules_from_strings'):
        for path in sorted(CONFIGS, key=lambda p: ('_sw' not in p.name, p)):
            cfg = Config.fromfile(path)
            hooks = tuple(h['type'] for h in cfg.get('custom_hooks', []))
            train = cfg.train_dataloader
            branches = tuple(
                sorted(
                    key
                    for member in train.dataset.datasets
                    for key in member.pipeline[-1]
                    if key not in ('type', 'branch_field')
                )
            )
            model = {
                k: v
                for k, v in cfg.model.items()
                if k not in ('segmentor', 'data_preprocessor')
            }
            key = (str(model), hooks, branches)
            chosen.setdefault(key, path)
    return list(chosen.values())
