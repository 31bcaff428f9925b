# SPDX-License-Identifier: Apache-2.0
"""``tools/make_artifact.py entropy_ranking``."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import init_dist
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn
from torch.utils.data import DataLoader

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.hashing import make_producer
from mmseg_da.engine.launch import init_cpu_dist
from mmseg_da.evaluation import entropy_ranking
from mmseg_da.evaluation.entropy_ranking import EntropyRankingMetric
from mmseg_da.utils.checkpoint_guard import (
    check_branches,
    check_views,
    check_weights,
)
from mmseg_da.utils.checkpoints import load_checkpoint
from mmseg_da.utils.tool_runner import load_config

from . import rank_images, ranking

__all__ = ['RANKED_IMAGES', 'EntropyRankingCommand']

# The config's variable that holds the images to rank.
RANKED_IMAGES = 'target_images'


class EntropyRankingCommand:
    """Easy and hard target images, with pseudo labels of all."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the options of this kind."""
        group = parser.add_argument_group('entropy_ranking')
        # Positional for people, an option for recipes.
        for name in ('config', 'checkpoint'):
            group.add_argument(name, nargs='?', default=argparse.SUPPRESS)
            group.add_argument(f'--{name}', help=f'the same as {name.upper()}')
        group.add_argument(
            '--cfg-options',
            nargs='+',
            action='extend',
            default=[],
            metavar='KEY=VALUE',
            help='settings that override the config',
        )
        group.add_argument(
            '--easy-ratio',
            type=float,
            default=0.67,
            help='share of easy images, lambda (default: %(default)s)',
        )
        group.add_argument(
            '--normalize',
            action='store_true',
            help='lower the score of images with rare classes',
        )
        group.add_argument(
            '--allow-empty',
            action='store_true',
            help='allow no easy or no hard image, for ablations',
        )
        group.add_argument(
            '--entropy-maps', action='store_true', help='write entropy maps'
        )
        group.add_argument('--batch-size', type=int, default=1)
        group.add_argument('--workers', type=int, default=0)
        group.add_argument('--device', help='default: cuda if there is one')
        group.add_argument(
            '--launcher',
            choices=['none', 'pytorch'],
            default='none',
            help='how the processes were started (torchrun: pytorch)',
        )

    @staticmethod
    def run(args: argparse.Namespace, store: ArtifactStore) -> str:
        """Rank the ``target_images`` of the config.

        Returns:
            What to print.

        Raises:
            ValueError: A wrong option, a checkpoint that does not fit, or
                see :class:`EntropyRankingMetric`.
            OSError: Missing files, or a finished artefact.
        """
        _check_given(args)
        _join_processes(args.launcher)
        cfg = load_config(args.config, args.cfg_options)
        loader = rank_images.build_ranking_loader(
            _ranked_images(cfg, args.config), args.batch_size, args.workers
        )
        model = _load_model(cfg, args.checkpoint, loader)
        model.to(_device(args.device))
        key = args.key or default_key(args.config, args.normalize)
        code = (ranking, entropy_ranking, rank_images)
        metric = EntropyRankingMetric(
            str(store.root),
            key,
            easy_ratio=args.easy_ratio,
            normalize=args.normalize,
            allow_empty=args.allow_empty,
            entropy_maps=args.entropy_maps,
            images=rank_images.list_entries(loader.dataset),
            producer=make_producer(cfg, args.checkpoint, code),
            overwrite=args.overwrite,
            clear=args.clear,
        )
        found = rank_images.rank_images(model, loader, metric)
        return (
            f'{store.folder(entropy_ranking.KIND, key)}\n'
            f'{found["ranking/easy"]} easy, {found["ranking/hard"]} hard '
            f'images, mean score {found["ranking/mean_entropy"]:.5f}'
        )


def default_key(config: str, normalize: bool) -> str:
    """Name of a ranking: the config's, with '-norm' if normalised."""
    return Path(config).stem + ('-norm' if normalize else '')


def _check_given(args: argparse.Namespace) -> None:
    for name in ('config', 'checkpoint'):
        if not getattr(args, name, None):
            raise ValueError(
                f'{name} is missing: make_artifact.py entropy_ranking CONFIG '
                'CHECKPOINT'
            )


def _join_processes(launcher: str) -> None:
    if launcher == 'none':
        return
    if torch.cuda.is_available():
        init_dist(launcher, backend='nccl')
    else:
        init_cpu_dist()


def _device(name: str | None) -> str:
    return name or ('cuda' if torch.cuda.is_available() else 'cpu')


def _ranked_images(cfg: Config, name: str) -> dict:
    images = cfg.get(RANKED_IMAGES)
    if not images or 'type' not in images:
        raise ValueError(
            f'{name} has no {RANKED_IMAGES}, the unlabelled target images '
            'with the pipeline of a test; see configs/_base_/datasets/'
            'gta2cs.py'
        )
    return images.to_dict()


def _load_model(cfg: Config, checkpoint: str, loader: DataLoader) -> nn.Module:
    """Build the model of a config and fill it strictly."""
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    content = load_checkpoint(checkpoint)
    meta = content.get('meta') or {}
    trained = meta.get('dataset_meta') or {}
    check_views(trained, loader.dataset.metainfo, checkpoint)
    model = MODELS.build(cfg.model)
    state = content.get('state_dict', content)
    check_weights(model, state, checkpoint)
    check_branches(model, meta, checkpoint)
    return model
