# SPDX-License-Identifier: Apache-2.0
"""``tools/make_artifact.py class_stats`` and ``label_selection``."""

from __future__ import annotations

import argparse
import json

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.hashing import make_producer

from ..class_views import get_class_view
from ..subsets import package_subsets, select_positions
from .class_stats import ClassStats, labels_in_folder, labels_of_dataset
from .daformer_files import export_daformer, import_daformer
from .sources import add_dataset_arguments, build_dataset
from .stats_artifact import (
    default_key,
    load_class_stats,
    make_class_stats,
    store_class_stats,
)

__all__ = ['ClassStatsCommand', 'LabelSelectionCommand']


class ClassStatsCommand:
    """Pixels per class and image, of labels or of predictions."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the options of this kind."""
        add_dataset_arguments(parser)
        group = parser.add_argument_group('class_stats')
        group.add_argument(
            '--labels',
            metavar='FOLDER',
            help='train-id PNGs (predictions) instead of a dataset',
        )
        group.add_argument(
            '--suffix', default='.png', help='end of their names'
        )
        group.add_argument(
            '--import-daformer',
            metavar='FILE',
            help='take over a sample_class_stats.json',
        )
        group.add_argument(
            '--export-daformer',
            metavar='FOLDER',
            help="also write DAFormer's three JSON files",
        )
        group.add_argument('--workers', type=int, help='processes')

    @staticmethod
    def run(args: argparse.Namespace, store: ArtifactStore) -> str:
        """Make the artefact.

        Returns:
            What to print.

        Raises:
            ValueError: A wrong option or faulty files.
            OSError: Missing files, or a finished artefact.
        """
        how = {'overwrite': args.overwrite, 'clear': args.clear}
        suffix = '_labelTrainIds.png'
        if args.labels or args.import_daformer:
            view = _required_view(args)
            key = _required_key(args)
        if args.import_daformer:
            stats = import_daformer(args.import_daformer, view)
            store_class_stats(stats, store, key, args.import_daformer, **how)
        elif args.labels:
            files = labels_in_folder(args.labels, view, args.suffix)
            stats = make_class_stats(files, store, key, args.workers, **how)
        else:
            dataset = build_dataset(args)
            key, suffix = args.key or default_key(dataset), None
            suffix = dataset.TRAIN_ID_SUFFIX
            files = labels_of_dataset(dataset)
            stats = make_class_stats(files, store, key, args.workers, **how)
        if args.export_daformer:
            stats = load_class_stats(store, key)
            export_daformer(stats, args.export_daformer, suffix)
        return f'{store.folder("class_stats", key)}\n{_table(stats)}'


def _required_key(args: argparse.Namespace) -> str:
    if not args.key:
        raise ValueError('--key: name the artefact, e.g. --key cs-predicted')
    return args.key


def _required_view(args: argparse.Namespace):
    if not args.class_view:
        raise ValueError(
            '--class-view: name the class view of the train ids, e.g. '
            'cityscapes19'
        )
    return get_class_view(args.class_view)


def _table(stats: ClassStats) -> str:
    """Share of the pixels and number of images of every class."""
    pixels = stats.counts.sum(0)
    images = (stats.counts > 0).sum(0)
    rows = [
        f'  {name:<16}{100 * p / pixels.sum():9.4f} %{n:9d} images'
        for name, p, n in zip(stats.classes, pixels, images, strict=True)
    ]
    return '\n'.join([f'{len(stats.names)} images', *rows])


class LabelSelectionCommand:
    """Which images are labelled: seeded, or a published list."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the options of this kind."""
        add_dataset_arguments(parser)
        group = parser.add_argument_group('label_selection')
        group.add_argument(
            '--select',
            metavar='SPEC',
            help='fraction:1/8:seed42, last:500, rest:..., an own file, or '
            f'one of {", ".join(package_subsets())}',
        )

    @staticmethod
    def run(args: argparse.Namespace, store: ArtifactStore) -> str:
        """Make the artefact; see :class:`ClassStatsCommand`."""
        key = _required_key(args)
        if not args.select or args.indices:
            raise ValueError(
                '--select: say which images of the whole set, e.g. '
                'fraction:1/8:seed42; --indices does not go with it'
            )
        dataset = build_dataset(args, labeled=False)
        samples = [dataset.get_data_info(i) for i in range(len(dataset))]
        stems = [sample['sample_stem'] for sample in samples]
        chosen = select_positions(
            args.select, stems, dataset.img_suffix, dataset.data_root
        )
        content = {
            'dataset': dataset.dataset_name,
            'split': dataset.split,
            'num_images': len(stems),
            'order': 'ranking' if '_sde_' in args.select else 'sorted',
            'origin': args.select,
            'names': [stems[i] for i in chosen],
        }
        text = json.dumps(content, indent=1) + '\n'
        with store.writer(
            'label_selection',
            key,
            make_producer({'select': args.select, 'stems': stems}),
            meta={k: v for k, v in content.items() if k != 'names'},
            overwrite=args.overwrite,
            clear=args.clear,
        ) as writer:
            writer.write('subset.json', {'subset.json': text.encode()})
        path = store.folder('label_selection', key) / 'subset.json'
        return f"{len(chosen)} of {len(stems)} images: indices='{path}'"
