#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""Make procedural street scenes in the raw formats of the real datasets.

    python tools/make_street_world.py --out data/street_world \
        --size 256x128 --train 200 --val 60 --formats gta,cityscapes

See docs/street_world.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mmseg_da.datasets.street_world.formats import FORMATS
from mmseg_da.datasets.street_world.formats.encoding import (
    encode_jpeg,
    encode_png,
)
from mmseg_da.datasets.street_world.frame import StreetSettings
from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.overview import (
    class_frequencies,
    contact_sheet,
)
from mmseg_da.datasets.street_world.presets import presets
from mmseg_da.datasets.street_world.render import StreetRenderer
from mmseg_da.datasets.street_world.storage import write_atomic
from mmseg_da.datasets.street_world.world import (
    WorldSettings,
    one_of,
    parse_size,
)
from mmseg_da.utils.files import ensure_writable

_ENCODERS = {'.png': encode_png, '.jpg': encode_jpeg}


def _cores() -> int:
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _add_world_options(parser: argparse.ArgumentParser) -> None:
    default = WorldSettings()
    group = parser.add_argument_group('what is drawn')
    add = group.add_argument
    add('--size', default='256x128', help='width x height, ratio 2:1')
    add('--train', type=int, default=default.train, help='training images')
    add('--val', type=int, default=default.val, help='validation images')
    add('--test', type=int, default=default.test, help='test images')
    add('--seed', type=int, default=default.seed, help='other streets')
    add(
        '--gap',
        type=float,
        default=default.gap,
        help='distance of the sources to the target, 0 to 1',
    )
    names = ', '.join(presets())
    add('--preset', default=default.preset, help=f'source look: {names}')
    add('--target-preset', default=default.target_preset, help='target look')
    add(
        '--sequence-frames',
        type=int,
        default=default.sequence_frames,
        help='frames kept of each 30-frame snippet, around the labelled one',
    )
    add(
        '--truth-share',
        type=float,
        default=default.truth_share,
        help='share of the frames with exact depth, flow and pose',
    )
    add(
        '--train-ids',
        action='store_true',
        help='also write _labelTrainIds.png for Cityscapes',
    )


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('--out', default='data/street_world', help='folder')
    parser.add_argument(
        '--formats',
        default='gta,cityscapes',
        help=f'comma-separated, or all: {", ".join(FORMATS)}',
    )
    parser.add_argument(
        '--workers', type=int, default=_cores(), help='processes that draw'
    )
    _add_world_options(parser)
    look = parser.add_argument_group(
        'look at --preset instead of making a folder'
    )
    look.add_argument(
        '--contact-sheet',
        metavar='FILE',
        help='write images, labels and depth of five streets (.jpg or .png)',
    )
    look.add_argument(
        '--class-frequencies',
        type=int,
        metavar='N',
        help='print the class frequencies of N streets',
    )
    return parser.parse_args(argv)


def _settings(args: argparse.Namespace) -> WorldSettings:
    return WorldSettings(
        size=parse_size(args.size),
        train=args.train,
        val=args.val,
        test=args.test,
        seed=args.seed,
        gap=args.gap,
        preset=args.preset,
        target_preset=args.target_preset,
        sequence_frames=args.sequence_frames,
        truth_share=args.truth_share,
        train_ids=args.train_ids,
    )


def _look(args: argparse.Namespace, settings: WorldSettings) -> None:
    """Contact sheet and class frequencies of a preset."""
    renderer = StreetRenderer(
        StreetSettings(
            preset=settings.preset,
            size=settings.size,
            seed=settings.seed,
            gap=settings.gap,
        )
    )
    if args.contact_sheet:
        path = Path(args.contact_sheet)
        suffix = one_of('file type', path.suffix.lower(), _ENCODERS)
        sheet = contact_sheet(renderer, range(5))
        write_atomic(path, _ENCODERS[suffix](sheet))
        print(f'wrote {path}')
    if args.class_frequencies:
        print('| class | % of pixels | % of images |\n|---|---|---|')
        streets = range(args.class_frequencies)
        for name, pixels, images in class_frequencies(renderer, streets):
            print(f'| {name} | {pixels:.2f} | {images:.0f} |')


def _make(args: argparse.Namespace, settings: WorldSettings) -> None:
    """Make the folder and say what was done."""
    names = list(FORMATS) if args.formats == 'all' else args.formats.split(',')
    out = ensure_writable(args.out, '--out')
    start = time.perf_counter()
    made = generate(
        out,
        [name.strip() for name in names],
        settings,
        workers=args.workers,
        progress=True,
    )
    if not made:
        print(f'{args.out}: nothing to do, all formats are there')
        return
    seconds = time.perf_counter() - start
    print(f'{args.out}: made {", ".join(made)} in {seconds:.0f} s')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    args = parse_args(argv)
    try:
        settings = _settings(args)
        if args.contact_sheet or args.class_frequencies:
            _look(args, settings)
        else:
            _make(args, settings)
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('interrupted; the same command continues', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
