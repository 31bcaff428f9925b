# SPDX-License-Identifier: Apache-2.0
"""Images per second of one data worker: raw PNGs, zip archives, cache.

Cityscapes-sized images and labels (2048x1024, drawn by StreetWorld; their
file sizes are reported) are loaded and resized to the training size, from
unpacked files, through the archives, and from a cache of decoded copies. The
files are in the memory of the operating system: disks and networks come on
top, and the cache reads more bytes from them per image.

    python benchmarks/read_speed.py --images 8 --rounds 5
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import _common as common
import numpy as np
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from mmseg_da.datasets import CityscapesRawDataset
from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings, parse_size

PACKAGES = ('leftImg8bit', 'gtFine')


def make_files(folder: Path, images: int) -> None:
    """Draw Cityscapes and pack it as the download is packed.

    Args:
        folder: Gets ``cityscapes`` (unpacked) and ``archives``.
        images: Number of training images.
    """
    settings = WorldSettings(
        size=(2048, 1024), train=images, val=0, test=0, truth_share=0
    )
    generate(folder, ['cityscapes'], settings)
    root = folder / 'cityscapes'
    (folder / 'archives').mkdir()
    for package in PACKAGES:
        path = folder / 'archives' / f'{package}_trainvaltest.zip'
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
            for file in sorted((root / package).rglob('*')):
                archive.write(file, file.relative_to(root))


def build(
    folder: Path, source: str, scale: tuple[int, int], labeled: bool
) -> CityscapesRawDataset:
    """Data set of one source, with its loading pipeline.

    Args:
        folder: What :func:`make_files` made.
        source: 'raw', 'zip' or 'cache'.
        scale: Training size (width, height).
        labeled: Whether labels are loaded too.
    """
    pipeline = [dict(type='LoadStreetImage')]
    if labeled:
        pipeline.append(dict(type='LoadRawLabels'))
    cache = None
    if source == 'cache':
        cache = dict(dir=str(folder / 'cache'), scale=scale, build=True)
    else:
        pipeline.append(dict(type='Resize', scale=scale, keep_ratio=False))
    name = 'archives' if source == 'zip' else 'cityscapes'
    return CityscapesRawDataset(
        data_root=str(folder / name),
        labeled=labeled,
        pipeline=pipeline,
        cache=cache,
    )


def measure(dataset: CityscapesRawDataset, rounds: int) -> list[float]:
    """Seconds of every load, after one round that warms up."""
    seconds = []
    for number in range(rounds + 1):
        for index in range(len(dataset)):
            start = common.now()
            dataset[index]
            if number:
                seconds.append(common.now() - start)
    return seconds


def check_equal(
    one: CityscapesRawDataset, other: CityscapesRawDataset
) -> None:
    """Raise if two sources give different images."""
    for a, b in zip(one, other, strict=True):
        if not np.array_equal(a['img'], b['img']):
            raise ValueError(f'{a["img_path"]} and {b["img_path"]} differ')


def bytes_per_image(folder: Path, images: int) -> dict[str, float]:
    """Mean MiB per image and label, by source."""
    places = {
        'raw': [
            path
            for package in PACKAGES
            for path in (folder / 'cityscapes' / package).rglob('*.png')
            if path.stem.endswith(('_leftImg8bit', '_labelIds'))
        ],
        'cache': list((folder / 'cache').glob('*-train-*/*.npy')),
    }
    return {
        name: sum(path.stat().st_size for path in files) / images / 2**20
        for name, files in places.items()
    }


def main() -> None:
    """Run the benchmark."""
    parser = common.make_parser(__doc__)
    parser.add_argument('--images', type=int, default=8)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--scale', default='1024x512', help='training size')
    args = parser.parse_args()
    common.use_threads(args.threads)
    init_default_scope('mmseg')
    MMLogger.get_current_instance().setLevel('ERROR')
    scale = parse_size(args.scale)
    rates: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder, args.images)
        for labeled in (True, False):
            kind = 'image and label' if labeled else 'image'
            raw = build(folder, 'raw', scale, labeled)
            for source in ('raw', 'zip', 'cache'):
                dataset = build(folder, source, scale, labeled)
                check_equal(raw, dataset)
                ms = common.median_ms(measure(dataset, args.rounds))
                rates.setdefault(source, {})[kind] = 1000 / ms
            if labeled:
                size = bytes_per_image(folder, args.images)
    rows = [[source, *kinds.values()] for source, kinds in rates.items()]
    head = ['source', *rates['raw']]
    common.print_table('Images per second of one worker', head, rows)
    common.report(
        'read_speed',
        args.json,
        {
            'settings': {'images': args.images, 'rounds': args.rounds},
            'scale': list(scale),
            'images_per_second': rates,
            'mib_per_image_and_label': size,
        },
    )


if __name__ == '__main__':
    main()
