# SPDX-License-Identifier: Apache-2.0
"""Images per second of one data worker, and where its time goes.

The suite's own data sets and training pipelines read PNGs of the size of
GTA5 (1914x1052), Cityscapes (2048x1024) and StreetWorld (256x128), drawn by
StreetWorld (a drawn PNG is smaller than a photograph's; sizes are reported).

    python benchmarks/data_loading.py --images 4 --rounds 5
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest import mock

import _common as common
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings

GTA_SIZE = (1914, 1052)
# name -> config, number of its training set, folder of make_files
CASES = {
    'GTA5 1914x1052': ('source-only_gta2cs', 0, 'full'),
    'Cityscapes 2048x1024': ('oracle_cs', 0, 'full'),
    'StreetWorld 256x128': ('source-only_swg2swc', 0, 'small'),
    'ABN, GTA5': ('sac-abn_gta2cs', 0, 'full'),
    'ABN, Cityscapes': ('sac-abn_gta2cs', 1, 'full'),
    'SAC, GTA5': ('sac_gta2cs', 0, 'full'),
    'SAC, 4 views of Cityscapes': ('sac_gta2cs', 1, 'full'),
}
SHARES = {'LoadStreetImage': 'decode', 'LoadRawLabels': 'label'}


def make_files(folder: Path, images: int) -> None:
    """Draw StreetWorld in the sizes of the real data sets."""
    for name, size in (('full', (2048, 1024)), ('small', (256, 128))):
        settings = WorldSettings(size=size, train=images, val=0, truth_share=0)
        generate(folder / name, ['gta', 'cityscapes'], settings)
    for path in (folder / 'full/gta').glob('*/*.png'):
        with Image.open(path) as picture:
            # A palette picture keeps its palette: nearest neighbour.
            way = Image.Resampling.BILINEAR
            if picture.mode == 'P':
                way = Image.Resampling.NEAREST
            resized = picture.resize(GTA_SIZE, way)
        resized.save(path)


def measure(dataset: object, rounds: int) -> dict[str, float]:
    """Median milliseconds per image of every part of a pipeline.

    Args:
        dataset: A built data set.
        rounds: How often every image is loaded, after one warm-up round.
    """
    seconds: dict[str, list[float]] = {}
    for round_ in range(rounds + 1):
        for index in range(len(dataset)):
            results = dataset.get_data_info(index)
            parts = dict.fromkeys(('decode', 'label', 'augment', 'pack'), 0.0)
            for transform in dataset.pipeline.transforms:
                name = type(transform).__name__
                default = 'pack' if name == 'MultiBranch' else 'augment'
                start = common.now()
                results = transform(results)
                parts[SHARES.get(name, default)] += common.now() - start
            if round_ == 0:
                continue
            parts['total'] = sum(parts.values())
            for part, value in parts.items():
                seconds.setdefault(part, []).append(value)
    return {part: common.median_ms(v) for part, v in seconds.items()}


def load_dataset(config: str, number: int, root: Path) -> object:
    """A training set of a config, on the files of ``make_files``."""
    roots = {
        'STREET_WORLD_ROOT': str(root),
        'GTA_ROOT': str(root / 'gta'),
        'CITYSCAPES_ROOT': str(root / 'cityscapes'),
    }
    with mock.patch.dict(os.environ, roots):
        cfg = Config.fromfile(common.REPO / 'configs/methods' / f'{config}.py')
    settings = cfg.train_dataloader.dataset.datasets[number]
    # Lists name images of the published data set.
    return DATASETS.build({**settings, 'indices': None})


def file_size(dataset: object) -> float:
    """Mean megabytes of the image files."""
    paths = [
        dataset.get_data_info(index)['img_path']
        for index in range(len(dataset))
    ]
    return sum(os.path.getsize(path) for path in paths) / len(paths) / 1e6


def main() -> None:
    """Measure every case and report."""
    parser = common.make_parser(__doc__)
    parser.add_argument('--images', type=int, default=4, help='per data set')
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    common.use_threads(args.threads)
    init_default_scope('mmseg')
    cases = {}
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder), args.images)
        for name, (config, number, files) in CASES.items():
            dataset = load_dataset(config, number, Path(folder) / files)
            parts = measure(dataset, args.rounds)
            cases[name] = {
                'config': config,
                'image_megabytes': file_size(dataset),
                'images_per_second_and_worker': 1000 / parts['total'],
                'milliseconds': parts,
            }
    keys = ('decode', 'label', 'augment', 'pack', 'total')
    common.print_table(
        'Data loading, one worker, ms per image',
        ('data', 'img/s', *keys, 'MB per image'),
        [
            (
                name,
                case['images_per_second_and_worker'],
                *(case['milliseconds'][key] for key in keys),
                case['image_megabytes'],
            )
            for name, case in cases.items()
        ],
    )
    settings = {'images': args.images, 'rounds': args.rounds}
    result = {'settings': settings, 'cases': cases}
    common.report('data_loading', args.json, result)


if __name__ == '__main__':
    main()
