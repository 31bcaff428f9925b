# SPDX-License-Identifier: Apache-2.0
"""``tools/make_artifact.py class_stats`` and ``label_selection``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.hashing import make_producer

from ..class_views import get_class_view
from ..subsets import package_subsets, select_positions
from .class_stats import ClassStats
from .daformer_files import export_daformer, import_daformer
from .label_files import (
    labels_in_folder,
    labels_of_dataset,
    sac_labels_in_folder,
)
from .sac_weights import export_sac, import_sac
from .sources import add_dataset_arguments, build_dataset, load_member
from .stats_artifact import (
    default_key,
    load_class_stats,
    make_class_stats,
    store_class_stats,
)

__all__ = ['ClassStatsCommand', 'LabelSelectionCommand']

# The config's variable with the images whose predictions are counted.
_PREDICTED = 'target_images'
# Options that name files with the labels or counts.
_ORIGINS = ('labels', 'sac_labels', 'import_daformer', 'import_sac')


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
            '--sac-labels',
            metavar='FOLDER',
            help='train-id PNGs *_gtFine_labelIds.png directly in FOLDER, '
            'as the inference of SAC writes them',
        )
        group.add_argument(
            '--checkpoint',
            help="count this network's predictions on the target_images (or "
            '--member) of --config',
        )
        group.add_argument(
            '--save-predictions',
            metavar='FOLDER',
            help='with --checkpoint: also write them as train-id PNGs',
        )
        group.add_argument(
            '--import-daformer',
            metavar='FILE',
            help='take over a sample_class_stats.json',
        )
        group.add_argument(
            '--import-sac',
            metavar='FILE',
            help="take over importance weights: the SAC authors' .data file "
            'or JSON',
        )
        group.add_argument(
            '--export-daformer',
            metavar='FOLDER',
            help="also write DAFormer's three JSON files",
        )
        group.add_argument(
            '--export-sac',
            metavar='FILE',
            help='also write importance weights as JSON',
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
        _check_origin(args)
        if args.checkpoint:
            key, stats, suffix = _from_checkpoint(args, store)
        elif any(getattr(args, name) for name in _ORIGINS):
            key, stats, suffix = _from_files(args, store)
        else:
            key, stats, suffix = _from_dataset(args, store)
        if args.export_daformer:
            stats = load_class_stats(store, key)
            export_daformer(stats, args.export_daformer, suffix)
        if args.export_sac:
            export_sac(stats, args.export_sac, args.overwrite)
        return f'{store.folder("class_stats", key)}\n{_table(stats)}'


def _check_origin(args: argparse.Namespace) -> None:
    given = [
        f'--{name.replace("_", "-")}'
        for name in (*_ORIGINS, 'checkpoint')
        if getattr(args, name)
    ]
    if len(given) > 1:
        raise ValueError(f'{" and ".join(given)} do not go together')
    if args.save_predictions and not args.checkpoint:
        raise ValueError('--save-predictions goes with --checkpoint')
    if args.checkpoint and not args.config:
        raise ValueError('--checkpoint needs the --config of its network')
    if args.checkpoint and not Path(args.checkpoint).is_file():
        raise FileNotFoundError(
            f'--checkpoint {args.checkpoint!r} does not exist; the file '
            'last_checkpoint of a work directory names its newest one'
        )


def _from_checkpoint(
    args: argparse.Namespace, store: ArtifactStore
) -> tuple[str, ClassStats, str]:
    """Count the predictions of a network."""
    # Only this origin needs the stack of a test run.
    from mmseg_da.evaluation import predicted_pixels

    key = _required_key(args)
    if store.is_finished('class_stats', key) and not args.overwrite:
        raise FileExistsError(
            f'{store.folder("class_stats", key)} exists; give another --key '
            'or --overwrite'
        )
    cfg, images = load_member(args, _PREDICTED)
    if any(step['type'] == 'MultiBranch' for step in images['pipeline']):
        raise ValueError(
            f'--member: {args.member} has the pipeline of a training '
            '(MultiBranch); name unlabelled images with that of a test, e.g. '
            f'{_PREDICTED} (the default)'
        )
    producer = make_producer(cfg, args.checkpoint, (predicted_pixels,))
    stats = predicted_pixels.predicted_class_stats(
        cfg, images, args.checkpoint, args.save_predictions
    )
    store_class_stats(
        stats,
        store,
        key,
        f'predictions of {args.checkpoint}',
        args.overwrite,
        args.clear,
        producer,
    )
    return key, load_class_stats(store, key), '_labelTrainIds.png'


def _from_files(
    args: argparse.Namespace, store: ArtifactStore
) -> tuple[str, ClassStats, str]:
    """Take over counts, or count the PNGs of a folder."""
    how = {'overwrite': args.overwrite, 'clear': args.clear}
    view, key = _required_view(args), _required_key(args)
    if args.labels or args.sac_labels:
        if args.labels:
            files = labels_in_folder(args.labels, view, args.suffix)
        else:
            files = sac_labels_in_folder(args.sac_labels, view)
        stats = make_class_stats(files, store, key, args.workers, **how)
    else:
        origin = args.import_daformer or args.import_sac
        read = import_daformer if args.import_daformer else import_sac
        store_class_stats(read(origin, view), store, key, origin, **how)
        stats = load_class_stats(store, key)
    return key, stats, '_labelTrainIds.png'


def _from_dataset(
    args: argparse.Namespace, store: ArtifactStore
) -> tuple[str, ClassStats, str]:
    """Count the labels of a data set."""
    dataset = build_dataset(args)
    key = args.key or default_key(dataset)
    how = {'overwrite': args.overwrite, 'clear': args.clear}
    files = labels_of_dataset(dataset)
    stats = make_class_stats(files, store, key, args.workers, **how)
    return key, stats, dataset.TRAIN_ID_SUFFIX


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
        if stats.unit == 'pixels'
        else f'  {name:<16}{n:9d} images'
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
