# SPDX-License-Identifier: Apache-2.0
"""Convert a network of SDE: depth (folders, pickles) or segmentation.

python tools/model_converters/sde.py mono_..._dec6_..._crop512x512bs4/ OUT.pth
python tools/model_converters/sde.py gta_rev2_fc046/ OUT.pth
python tools/model_converters/sde.py best_model_without_opt.pkl OUT.pth
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmseg_da.model_import.files import view_for, write_imported
from mmseg_da.model_import.sde import NETWORKS, import_sde
from mmseg_da.model_import.sde_files import read_sde
from mmseg_da.model_import.sde_layouts import DECODERS
from mmseg_da.utils.cli import exit_with


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'source',
        type=Path,
        metavar='IN',
        help='best_model*.pkl, a folder with one, or a folder with depth.pth, '
        'pose.pth, pose_encoder.pth and encoder.pth',
    )
    parser.add_argument('out', type=Path, metavar='OUT', help='NAME.pth')
    parser.add_argument(
        '--network',
        choices=NETWORKS,
        default='segmentor',
        help='of a segmentation network: a plain segmentor, or all: a '
        'checkpoint of the method SDE with its pose net',
    )
    parser.add_argument(
        '--decoder', choices=tuple(DECODERS), help='required decoder'
    )
    parser.add_argument(
        '--class-view', help='default: cityscapes19 for 19 classes'
    )
    parser.add_argument(
        '--force', action='store_true', help='replace an existing file'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert one network, return the exit code."""
    args = parse_args(argv)
    source = read_sde(args.source)
    imported = import_sde(source, args.network, args.decoder)
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
