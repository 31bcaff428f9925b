#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""Write split lists: one image name per line.

    python tools/dataset_converters/make_splits.py --dataset gta data/gta \
        --select last:500 --out lists/gta_val.txt --rest lists/gta_train.txt

A list is used as ``ann_file`` or ``indices`` of a dataset. See
docs/converters.md for what --select understands.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmseg_da.datasets.conversion.sources import (
    add_dataset_arguments,
    build_dataset,
)
from mmseg_da.datasets.conversion.splits import write_split_lists
from mmseg_da.utils.cli import exit_with


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0]
    )
    add_dataset_arguments(parser)
    parser.add_argument(
        '--select',
        default='fraction:1:sorted',
        metavar='SPEC',
        help='fraction:1/8:seed42, last:500, the name of a list, ... '
        '(default: every image)',
    )
    parser.add_argument('--out', required=True, help='list to write')
    parser.add_argument('--rest', help='list of the images not chosen')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the lists."""
    args = parse_args(argv)
    dataset = build_dataset(args, labeled=False)
    chosen, others = write_split_lists(
        dataset, args.select, args.out, args.rest
    )
    print(f'{args.out}: {chosen} images')
    if args.rest:
        print(f'{args.rest}: {others} images')
    return 0


if __name__ == '__main__':
    exit_with(main)
