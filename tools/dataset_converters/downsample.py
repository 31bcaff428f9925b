#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""Write smaller copies of images and labels, with the same folder tree.

    python tools/dataset_converters/downsample.py --out data/gta_small \
        --dataset gta data/gta --size 1024x512

    python tools/dataset_converters/downsample.py --out data/seq_small \
        --folder data/cityscapes/leftImg8bit_sequence --size 1024x512

Resumable; every written file is read back. See docs/converters.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmseg_da.datasets.conversion.downsample import (
    downsample_dataset,
    downsample_folder,
)
from mmseg_da.datasets.conversion.resizing import BACKENDS
from mmseg_da.datasets.conversion.runner import ConversionReport
from mmseg_da.datasets.conversion.sources import (
    add_dataset_arguments,
    add_run_arguments,
    build_splits,
)
from mmseg_da.datasets.file_listing import list_stems
from mmseg_da.datasets.street_world.world import parse_size
from mmseg_da.utils.cli import exit_with


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0]
    )
    add_dataset_arguments(parser)
    parser.add_argument(
        '--folder', help='any folder of images, instead of a dataset'
    )
    parser.add_argument(
        '--suffix', default='.png', help='end of their names (--folder)'
    )
    parser.add_argument('--out', required=True, help='root of the copy')
    parser.add_argument(
        '--size', default='1024x512', help='width x height of the copies'
    )
    parser.add_argument(
        '--backend',
        choices=BACKENDS,
        default='pillow',
        help='library that resizes (default: %(default)s)',
    )
    add_run_arguments(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the copies; exit code 1 if a file is faulty."""
    args = parse_args(argv)
    common = (
        args.out,
        parse_size(args.size),
        args.backend,
        args.workers,
        args.overwrite,
        not args.quick,
    )
    if args.folder:
        stems = _stems(args.folder, args.suffix)
        report = downsample_folder(args.folder, stems, args.suffix, *common)
    else:
        report = ConversionReport()
        for dataset in build_splits(args):
            report += downsample_dataset(dataset, *common)
    print(report.summary())
    return 1 if report.problems else 0


def _stems(folder: str, suffix: str) -> list[str]:
    stems = list_stems(folder, suffix) if Path(folder).is_dir() else []
    if not stems:
        raise FileNotFoundError(
            f'--folder {folder}: no files ending in {suffix!r}; check the '
            'path or give --suffix'
        )
    return stems


if __name__ == '__main__':
    exit_with(main)
