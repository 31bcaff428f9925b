# SPDX-License-Identifier: Apache-2.0
"""Convert a file of ADVENT, MinEnt, IntraDA or AdaptSegNet.

Takes trained networks, discriminators and the ImageNet start
DeepLab_resnet_pretrained_imagenet.pth; the content tells which it is.

    python tools/model_converters/advent.py gta2cityscapes_advent.pth OUT.pth
    python tools/model_converters/advent.py model_80000.pth OUT.pth \
        --d-main model_80000_D_main.pth --d-aux model_80000_D_aux.pth
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmseg_da.model_import.advent import import_advent, with_discriminators
from mmseg_da.model_import.files import read_source, view_for, write_imported
from mmseg_da.utils.cli import exit_with


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', type=Path, metavar='IN')
    parser.add_argument('out', type=Path, metavar='OUT', help='NAME.pth')
    parser.add_argument(
        '--levels',
        type=int,
        choices=(1, 2),
        help='required number of classifiers',
    )
    parser.add_argument(
        '--active-branches',
        type=int,
        choices=(2, 4),
        help='branches that the classifier sums: 4 ADVENT, 2 AdaptSegNet; '
        'default: told from the weights',
    )
    for level in ('main', 'aux'):
        parser.add_argument(
            f'--d-{level}',
            type=Path,
            metavar='FILE',
            help=f'discriminator {level}, to go on with the training',
        )
    parser.add_argument(
        '--class-view', help='of a network with other than 19 or 16 classes'
    )
    parser.add_argument(
        '--force', action='store_true', help='replace an existing file'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert one file, return the exit code."""
    args = parse_args(argv)
    source = read_source(args.source)
    imported = import_advent(source, args.levels, args.active_branches)
    extra = {'main': args.d_main, 'aux': args.d_aux}
    files = {k: read_source(path) for k, path in extra.items() if path}
    if files:
        imported = with_discriminators(imported, files)
    view = None
    if imported.classes is not None:
        view = view_for(imported.classes, args.class_view, source.path)
    write_imported(imported, source, args.out, view, args.force)
    print(f'{imported.kind}: {len(imported.state_dict)} tensors, {args.out}')
    for note in imported.notes:
        print(f'  {note}')
    print(f'  config: configs/methods/{imported.config}.py')
    return 0


if __name__ == '__main__':
    exit_with(main)
