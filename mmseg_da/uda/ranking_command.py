# SPDX-License-Identifier: Apache-2.0
"""``tools/make_artifact.py entropy_ranking``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmengine.config import Config
from torch import nn
from torch.utils.data import DataLoader

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.hashing import make_producer
from mmseg_da.evaluation import entropy_ranking
from mmseg_da.evaluation.entropy_ranking import EntropyRankingMetric
from mmseg_da.utils.checkpoint_guard import check_branches, check_views
from mmseg_da.utils.checkpoints import load_checkpoint
from mmseg_da.utils.tool_runner import load_config

from . import rank_images, ranking
from .network_command import (
    add_network_options,
    find_images,
    load_model,
    pick_device,
    require_network,
    start_processes,
)

__all__ = ['RANKED_IMAGES', 'EntropyRankingCommand']

# The config's variable that holds the images to rank.
RANKED_IMAGES = 'target_images'
_HINT = 'See configs/_base_/datasets/gta2cs.py.'


class EntropyRankingCommand:
    """Easy and hard target images, with pseudo labels of all."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the options of this kind."""
        group = parser.add_argument_group('entropy_ranking')
        add_network_options(group)
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
        require_network(args, entropy_ranking.KIND)
        start_processes(args.launcher)
        cfg = load_config(args.config, args.cfg_options)
        loader = rank_images.build_ranking_loader(
            find_images(cfg, RANKED_IMAGES, args.config, _HINT),
            args.batch_size,
            args.workers,
        )
        model = _load_model(cfg, args.checkpoint, loader)
        model.to(pick_device(args.device))
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


def _load_model(cfg: Config, checkpoint: str, loader: DataLoader) -> nn.Module:
    """The model of a config; classes and branches have to fit as well."""
    content = load_checkpoint(checkpoint)
    meta = content.get('meta') or {}
    trained = meta.get('dataset_meta') or {}
    check_views(trained, loader.dataset.metainfo, checkpoint)
    model = load_model(cfg, checkpoint, content)
    check_branches(model, meta, checkpoint)
    return model
