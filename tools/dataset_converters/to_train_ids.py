#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""Write the labels of a dataset as PNGs of train ids.

    python tools/dataset_converters/to_train_ids.py --dataset gta data/gta \
        --class-view cityscapes19

Not needed for training (raw labels are mapped while loading), but such files
load a little faster and are what other code bases expect. Resumable; every
written file is read back and compared. See docs/converters.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmseg_da.datasets.conversion.runner import ConversionReport
from mmseg_da.datasets.conversion.sources import (
    add_dataset_arguments,
    add_run_arguments,
    build_splits,
)
from mmseg_da.datasets.conversion.train_ids import convert_train_ids
from mmseg_da.utils.cli import exit_with


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0]
    )
    add_dataset_arguments(parser)
    parser.add_argument(
        '--out', help='folder (default: next to the originals)'
    )
    add_run_arguments(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert all splits; exit code 1 if a file is faulty."""
    args = parse_args(argv)
    report = ConversionReport()
    for dataset in build_splits(args):
        report += convert_train_ids(
            dataset, args.out, args.workers, args.overwrite, not args.quick
        )
        classes = dataset.view.classes
    print(report.summary())
    if report.totals is not None:
        absent = [
            name
            for name, pixels in zip(classes, report.totals, strict=True)
            if not pixels
        ]
        print(f'classes without any pixel: {", ".join(absent) or "none"}')
    return 1 if report.problems else 0


if __name__ == '__main__':
    exit_with(main)
