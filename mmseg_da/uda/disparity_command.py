# SPDX-License-Identifier: Apache-2.0
"""``tools/make_artifact.py disparity``."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import init_dist
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.hashing import make_producer
from mmseg_da.engine.launch import init_cpu_dist
from mmseg_da.utils.checkpoint_guard import check_weights
from mmseg_da.utils.checkpoints import load_checkpoint
from mmseg_da.utils.tool_runner import load_config

from . import disparity_export
from .disparity_export import ENCODINGS, KIND

__all__ = [
    'EXPORT_IMAGES',
    'DisparityCommand',
    'default_key',
    'find_images',
    'load_model',
]

# The config's variable that holds the images to export.
EXPORT_IMAGES = 'disparity_images'


class DisparityCommand:
    """Predicted disparities of all images of a set, as PNG files."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the options of this kind."""
        group = parser.add_argument_group('disparity')
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
            '--images',
            default=EXPORT_IMAGES,
            metavar='KEY',
            help='variable of the config that holds the images '
            '(default: %(default)s)',
        )
        group.add_argument('--split', help='train, val, ...')
        group.add_argument(
            '--encoding',
            choices=list(ENCODINGS),
            default='minmax8',
            help='minmax8: normalised per image, for the target; raw16: as '
            'predicted, for the source (default: %(default)s)',
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
        """Export the ``disparity_images`` of the config.

        Returns:
            What to print.

        Raises:
            ValueError: A wrong option, or a checkpoint that does not fit.
            OSError: Missing files, or a finished artefact.
        """
        for name in ('config', 'checkpoint'):
            if not getattr(args, name, None):
                raise ValueError(
                    f'{name} is missing: make_artifact.py disparity CONFIG '
                    'CHECKPOINT'
                )
        if args.launcher != 'none':
            if torch.cuda.is_available():
                init_dist(args.launcher, backend='nccl')
            else:
                init_cpu_dist()
        cfg = load_config(args.config, args.cfg_options)
        settings = find_images(cfg, args.images, args.config)
        dataset = disparity_export.build_export_dataset(settings, args.split)
        key = args.key or default_key(
            args.config, dataset.split, args.encoding
        )
        cuda = 'cuda' if torch.cuda.is_available() else 'cpu'
        model = load_model(cfg, args.checkpoint).to(args.device or cuda)
        made = disparity_export.export_disparities(
            model,
            dataset,
            store,
            key,
            args.encoding,
            make_producer(cfg, args.checkpoint, (disparity_export,)),
            args.batch_size,
            args.workers,
            args.overwrite,
            args.clear,
        )
        folder = store.folder(KIND, key)
        return f'{folder}\n{len(dataset)} images, {made} of them made now'


def default_key(config: str, split: str | None, encoding: str) -> str:
    """Name of the artefact, e.g. 'sde-depth_swc-train-minmax8'."""
    return f'{Path(config).stem}-{split or "all"}-{encoding}'


def find_images(cfg: Config, name: str, path: str) -> dict:
    """Dataset that a variable of a config holds.

    Raises:
        ValueError: There is none; names the config.
    """
    images = cfg.get(name)
    if not isinstance(images, dict) or 'type' not in images:
        raise ValueError(
            f'{path} has no dataset {name!r}, the images to export with the '
            'pipeline of a test; see configs/_base_/datasets/swc_video.py, '
            'or name another variable with --images'
        )
    return images.to_dict()


def load_model(cfg: Config, checkpoint: str) -> nn.Module:
    """Build the model of a config and fill it strictly."""
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    content = load_checkpoint(checkpoint)
    model = MODELS.build(cfg.model)
    check_weights(model, content.get('state_dict', content), checkpoint)
    return model
