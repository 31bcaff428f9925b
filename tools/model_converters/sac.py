# SPDX-License-Identifier: Apache-2.0
"""Convert a snapshot of SAC (da-sac), or an ImageNet file for its networks.

python tools/model_converters/sac.py final_e136.pth OUT.pth
python tools/model_converters/sac.py final_e136.pth OUT.pth --network all
python tools/model_converters/sac.py vgg16_bn-6c64b313.pth OUT.pth
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmseg_da.model_import.files import read_source, write_imported
from mmseg_da.model_import.sac import ARCHS, NETWORKS, import_sac
from mmseg_da.utils.cli import exit_with


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', type=Path, metavar='IN')
    parser.add_argument('out', type=Path, metavar='OUT', help='NAME.pth')
    parser.add_argument(
        '--network',
        choices=NETWORKS,
        default='student',
        help='student (published numbers) or teacher: a plain segmentor; '
        'all: a checkpoint of the method SAC',
    )
    parser.add_argument(
        '--arch', choices=tuple(ARCHS), help='required network'
    )
    parser.add_argument(
        '--strict',
        action='store_true',
        help='refuse a file whose digest is not the published one',
    )
    parser.add_argument(
        '--force', action='store_true', help='replace an existing file'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert one file, return the exit code."""
    args = parse_args(argv)
    source = read_source(args.source)
    imported = import_sac(source, args.network, args.arch, args.strict)
    view = None if imported.classes is None else 'cityscapes19'
    write_imported(imported, source, args.out, view, args.force)
    print(f'{imported.kind}: {len(imported.state_dict)} tensors, {args.out}')
    for note in imported.notes:
        print(f'  {note}')
    print(f'  config: configs/methods/{imported.config}.py')
    return 0


if __name__ == '__main__':
    exit_with(main)
