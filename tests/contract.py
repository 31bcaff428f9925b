# SPDX-License-Identifier: Apache-2.0
"""How any config of the suite is shrunk and run in a test."""

from __future__ import annotations

import itertools
import os
import re
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from unittest import mock

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.runner import Runner, load_checkpoint  # noqa: F401

REPO = Path(__file__).resolve().parents[1]
_ALL = sorted((REPO / 'configs/methods').glob('*_*.py'))
# Depth from video: another data set, no classes; see test_depth_configs.py.
DEPTH_CONFIGS = [path for path in _ALL if path.stem.startswith('sde-depth')]
CONFIGS = [path for path in _ALL if path not in DEPTH_CONFIGS]
# Those that differ from another one in the number of labels alone.
_COPIES = re.compile(r'_((cs|swc)-(372|744|30|4)|camvid-100)$')
WIDTH = 4  # channels of the first stage; 64 in the published nets
# Pose nets may see channels-last frames. With these oneDNN 3.12 corrupts
# memory in the gradient of 1x1 convolutions of stride 2 from 4 channels
# (AVX2).
POSE_WIDTH = 8
CROP_WIDTH = 128
_names = itertools.count()


def config_params() -> list:
    """All configs for ``parametrize``; copies are left to the slow run."""
    return [
        pytest.param(
            path,
            id=path.stem,
            marks=[pytest.mark.slow] if _COPIES.search(path.stem) else [],
        )
        for path in CONFIGS
    ]


def dataset_roots(street_world: Path) -> dict[str, str]:
    """Environment that points every config at StreetWorld."""
    return {
        'STREET_WORLD_ROOT': str(street_world),
        'GTA_ROOT': str(street_world / 'gta'),
        'CITYSCAPES_ROOT': str(street_world / 'cityscapes'),
        'CAMVID_ROOT': str(street_world / 'camvid'),
        'GTA_CYCLEGAN_ROOT': str(street_world / 'gta'),
        'SYNTHIA_ROOT': str(street_world / 'synthia'),
        'SYNTHIA_SEQ_ROOT': str(street_world / 'synthia_seq'),
        'GTA_SEQ_ROOT': str(street_world / 'gta_seq'),
        'SYNSCAPES_ROOT': str(street_world / 'synscapes'),
        'TARGET_DISPARITY_ROOT': str(street_world / 'artifacts'),
        'SOURCE_DISPARITY_ROOT': str(street_world / 'artifacts'),
        'ENTROPY_RANKING_ROOT': str(street_world / 'artifacts'),
        'CLASS_STATS_ROOT': str(street_world / 'artifacts'),
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
    if '_sw' in path.stem and 'LoadDisparityArtifact' in cfg.text:
        # An artefact has one size, the crops of those that read it have two.
        factor = min(1.0, CROP_WIDTH / min(crop))
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
    if isinstance(node.get('indices'), str):
        node['indices'] = _small_subset(node['indices'])
    for key in ('ignore_top', 'ignore_bottom'):
        if key in node:
            node[key] = round(node[key] * factor)
    if 'num_workers' in node:
        node['num_workers'] = 0
        node['persistent_workers'] = False
    if node.get('type') == 'DepthTransferHook':
        node['checkpoint'] = None
    if node.get('type') == 'TargetBNHook':
        interval = None if node.get('at_start') else 1
        node.update(interval=interval, num_images=4)
    if 'segmentor' in node and node.get('type') == 'SAC':
        node['require_baseline'] = False
    _shrink_depth(node)
    backbone = node.get('backbone')
    if isinstance(backbone, dict):
        _shrink_segmentor(node, backbone)


def _shrink_depth(node: ConfigDict) -> None:
    kind = node.get('type')
    if kind in ('ResNetStem', 'DisparityDecoder', 'PoseNet'):
        node.pop('init_cfg', None)
    published = node.get('base_channels', 64) == 64
    if kind == 'ResNetStem' and published:
        is_pose = node.get('in_channels', 3) == 6
        node.base_channels = POSE_WIDTH if is_pose else WIDTH
    elif kind == 'DisparityDecoder' and max(node.in_channels) == 2048:
        node.in_channels = _narrowed(list(node.in_channels))
        node.channels = [4, 4, 8, 8, 8]
    elif kind == 'PoseNet' and node.get('in_channels', 512) == 512:
        node.update(in_channels=512 * POSE_WIDTH // 64, channels=8)


def _shrink_segmentor(segmentor: ConfigDict, backbone: ConfigDict) -> None:
    backbone.pop('init_cfg', None)
    if backbone.get('depth', 101) < 50:
        return
    if backbone.type.startswith('VGG'):
        backbone.base_channels = WIDTH
    else:
        backbone.update(depth=50, base_channels=WIDTH, stem_channels=WIDTH)
    for name in ('decode_head', 'auxiliary_head'):
        head = segmentor.get(name)
        if head is not None:
            head.in_channels = _narrowed(head.in_channels)
            if isinstance(head.get('decoder'), dict):
                head.decoder.channels = [4, 4, 8, 8, 8]
            if head.type == 'FCN8sHead':
                head.channels = _narrowed(head.channels)


def _small_subset(indices: str) -> str | None:
    """A part of StreetWorld for a list of names of the published set."""
    if 'fraction:' in indices:
        return indices
    if not re.search(r'\.json:\d+$', indices):
        return None
    rest = 'rest:' if indices.startswith('rest:') else ''
    return f'{rest}fraction:1/4'


def _narrowed(channels: int | list[int]) -> int | list[int]:
    if isinstance(channels, int):
        return channels * WIDTH // 64
    return [c * WIDTH // 64 for c in channels]


def without_batch_coupling(cfg: Config) -> Config:
    """GroupNorm for BatchNorm, no dropout, and Adam that sees sizes.

    What remains depends on each sample alone, so that one process with batch
    2N and two with batch N must agree. Adam's steps have one size, whatever
    the gradient; where that is rounding noise (1e-8), so would be the step.
    """

    def change(node: ConfigDict) -> None:
        if node.get('type') == 'BN':
            node.clear()
            node.update(type='GN', num_groups=2)
        if 'dropout_ratio' in node:
            node['dropout_ratio'] = 0
        if node.get('type') in ('Adam', 'AdamW'):
            node['eps'] = 1e-5
        if 'segmentor' in node and node.get('type') == 'SAC':
            node['target_images'] = None
        if node.get('type') == 'MonoDepthLoss':
            node['photometric'] = dict(identity_noise=0.0)
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


def training_branches(cfg: Config) -> set[str]:
    """Names of the branches that the training pipelines fill."""
    found: set[str] = set()

    def collect(node: ConfigDict) -> None:
        if node.get('type') == 'MultiBranch':
            found.update(set(node) - {'type', 'branch_field'})

    _visit(cfg.train_dataloader, collect)
    return found


@cache
def parsed(path: Path) -> Config:
    """A config as it is in its file, read once per process: do not change."""
    return Config.fromfile(path, import_custom_modules=False)


def config_branches(path: Path) -> set[str]:
    """Branches of a config file."""
    return training_branches(parsed(path))


# Entries of `model` that make no other algorithm: networks, kinds of masks.
SAME_ALGORITHM = (
    'segmentor',
    'data_preprocessor',
    'mixing',
    'pose_net',
    'target_mix',
)


def variants() -> list[Path]:
    """One config per method variant: those that share their algorithm."""
    chosen: dict[tuple, Path] = {}
    for path in sorted(CONFIGS, key=lambda p: ('_sw' not in p.name, p)):
        cfg = parsed(path)
        hooks = [h['type'] for h in cfg.get('custom_hooks', [])]
        hooks = tuple(h for h in hooks if h != 'DepthTransferHook')
        branches = tuple(sorted(training_branches(cfg)))
        model = {k: v for k, v in cfg.model.items() if k not in SAME_ALGORITHM}
        # The number of classes is no variant.
        text = re.sub(r"'in_channels': \d+", '', str(model))
        key = (text, hooks, branches)
        chosen.setdefault(key, path)
    return list(chosen.values())
