# SPDX-License-Identifier: Apache-2.0
"""Choosing datasets on the command line of the converters."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_da.utils.config_options import add_cfg_options
from mmseg_da.utils.tool_runner import load_config

from ..base_dataset import RawSegDataset

__all__ = [
    'DATASET_TYPES',
    'add_dataset_arguments',
    'add_run_arguments',
    'build_dataset',
    'build_splits',
    'load_member',
]

DATASET_TYPES = {
    'cityscapes': 'CityscapesRawDataset',
    'gta': 'GTADataset',
    'synthia': 'SynthiaDataset',
    'synthia_parsed': 'SynthiaParsedDataset',
    'synscapes': 'SynscapesDataset',
    'mapillary': 'MapillaryRawDataset',
    'camvid': 'CamVidDataset',
}
_MEMBER = 'train_dataloader.dataset'


def add_dataset_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--dataset NAME ROOT`` or ``--config FILE``, and what narrows
    them.
    """
    group = parser.add_argument_group('dataset')
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        '--dataset',
        nargs=2,
        metavar=('NAME', 'ROOT'),
        help=f'{", ".join(DATASET_TYPES)}, and the folder of the download',
    )
    which.add_argument('--config', help='config that defines the dataset')
    group.add_argument(
        '--member',
        default=_MEMBER,
        metavar='KEY',
        help='where in the config, e.g. source_train or '
        'train_dataloader.dataset.datasets.0 (default: %(default)s)',
    )
    add_cfg_options(group)
    group.add_argument('--split', help='train, val, ... (--dataset only)')
    group.add_argument('--class-view', help='cityscapes19, cityscapes16, ...')
    group.add_argument(
        '--indices', help='part of the images, e.g. fraction:1/8:seed42'
    )
    group.add_argument(
        '--skip',
        nargs='+',
        default=[],
        metavar='STEM',
        help='faulty pairs to leave out',
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a conversion: workers, overwrite, quick."""
    parser.add_argument('--workers', type=int, help='processes')
    parser.add_argument(
        '--overwrite', action='store_true', help='replace what is there'
    )
    parser.add_argument(
        '--quick',
        action='store_true',
        help='check the written files without comparing them with the '
        'originals',
    )


def build_splits(args: argparse.Namespace) -> list[RawSegDataset]:
    """All labelled splits that are there, or the one asked for.

    Raises:
        FileNotFoundError: None of them is there.
        ValueError: A wrong option.
    """
    if args.config or not args.dataset or args.split:
        return [build_dataset(args)]
    kind = DATASETS.get(_type_of(args.dataset[0]))
    splits = [x for x in kind.SPLITS if x not in kind.UNLABELED_SPLITS]
    if not splits:
        return [build_dataset(args)]
    found, missing = [], []
    for split in splits:
        options = argparse.Namespace(**{**vars(args), 'split': split})
        try:
            found.append(build_dataset(options))
        except FileNotFoundError as error:
            missing.append(error)
    if not found:
        raise missing[0]
    return found


def build_dataset(
    args: argparse.Namespace, labeled: bool | None = None
) -> RawSegDataset:
    """Build the dataset of the command line, without its pipeline.

    Args:
        args: Has the arguments of :func:`add_dataset_arguments`.
        labeled: Overrides whether labels are looked for.

    Raises:
        FileNotFoundError: A folder or list is missing.
        ValueError: A wrong option, or no dataset that reads raw files.
    """
    if not args.dataset and not args.config:
        raise ValueError(
            'name the dataset: --dataset NAME ROOT (NAME: '
            f'{", ".join(DATASET_TYPES)}) or --config FILE --member KEY'
        )
    init_default_scope('mmseg')
    if args.config:
        settings = _from_config(args)
    else:
        name, root = args.dataset
        settings = {'type': _type_of(name), 'data_root': root}
        settings['split'] = args.split
    given = {
        'class_view': args.class_view,
        'indices': args.indices,
        'skip_files': args.skip or None,
        'labeled': labeled,
    }
    settings.update({k: v for k, v in given.items() if v is not None})
    dataset = DATASETS.build({**settings, 'pipeline': []})
    if not isinstance(dataset, RawSegDataset):
        raise ValueError(
            f'{type(dataset).__name__} does not read raw label files; name a '
            'member whose type is one of this package (RawSegDataset)'
        )
    return dataset


def _type_of(name: str) -> str:
    if name not in DATASET_TYPES:
        raise ValueError(
            f'--dataset {name!r} is unknown; allowed: '
            f'{", ".join(DATASET_TYPES)}. Own data: --config FILE --member '
            'KEY.'
        )
    return DATASET_TYPES[name]


def load_member(
    args: argparse.Namespace, default: str = _MEMBER
) -> tuple[Config, dict[str, Any]]:
    """Read the config of the command line and one of its datasets.

    Args:
        args: Has the arguments of :func:`add_dataset_arguments`.
        default: The dataset if ``--member`` is not given.

    Returns:
        The config, and the config of the dataset.

    Raises:
        FileNotFoundError: No such config.
        ValueError: A wrong option or key.
    """
    if args.split:
        raise ValueError('--split goes with --dataset; a config names its own')
    config = load_config(args.config, args.cfg_options)
    member = default if args.member == _MEMBER else args.member
    return config, _lookup(config, member)


def _from_config(args: argparse.Namespace) -> dict[str, Any]:
    _, settings = load_member(args)
    members = settings.get('datasets')
    if members is not None and len(members) == 1:
        return members[0]
    if members is not None:
        names = ', '.join(
            f'{args.member}.datasets.{i} ({x["type"]})'
            for i, x in enumerate(members)
        )
        raise ValueError(f'--member {args.member} has several sets: {names}')
    return settings


def _lookup(config: Config, key: str) -> dict[str, Any]:
    value: Any = config.to_dict()
    for part in key.split('.'):
        if isinstance(value, list) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(part)
        else:
            value = None
    if not isinstance(value, dict) or 'type' not in value:
        datasets = [
            k
            for k, v in config.to_dict().items()
            if isinstance(v, dict) and 'data_root' in v
        ]
        raise ValueError(
            f'--member {key!r} is no dataset of the config; it has '
            f'{", ".join(datasets) or "none at the top level"}'
        )
    return dict(value)
