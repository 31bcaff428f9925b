# SPDX-License-Identifier: Apache-2.0
"""``tools/make_artifact.py disparity``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmengine.config import Config

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.hashing import make_producer
from mmseg_da.utils.tool_runner import load_config

from . import disparity_export
from .disparity_export import ENCODINGS, KIND
from .network_command import (
    add_network_options,
    find_images,
    load_model,
    pick_device,
    require_network,
    start_processes,
)

__all__ = [
    'EXPORT_IMAGES',
    'DisparityCommand',
    'default_key',
    'find_export_images',
]

# The config's variable that holds the images to export.
EXPORT_IMAGES = 'disparity_images'


class DisparityCommand:
    """Predicted disparities of all images of a set, as PNG files."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the options of this kind."""
        group = parser.add_argument_group('disparity')
        add_network_options(group)
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

    @staticmethod
    def run(args: argparse.Namespace, store: ArtifactStore) -> str:
        """Export the ``disparity_images`` of the config.

        Returns:
            What to print.

        Raises:
            ValueError: A wrong option, or a checkpoint that does not fit.
            OSError: Missing files, or a finished artefact.
        """
        require_network(args, KIND)
        start_processes(args.launcher)
        cfg = load_config(args.config, args.cfg_options)
        settings = find_export_images(cfg, args.images, args.config)
        dataset = disparity_export.build_export_dataset(settings, args.split)
        key = args.key or default_key(
            args.config, dataset.split, args.encoding
        )
        model = load_model(cfg, args.checkpoint).to(pick_device(args.device))
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


def find_export_images(cfg: Config, name: str, path: str) -> dict:
    """Dataset to export, see :func:`find_images`."""
    hint = (
        'See configs/_base_/datasets/swc_video.py, or name another variable '
        'with --images.'
    )
    return find_images(cfg, name, path, hint)
