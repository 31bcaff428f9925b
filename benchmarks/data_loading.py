# SPDX-License-Identifier: Apache-2.0
"""Images per second of one data worker, and where its time goes.

The suite's own data sets and training pipelines read PNGs of the size of
GTA5 (1914x1052), Cityscapes (2048x1024) and StreetWorld (256x128), drawn by
StreetWorld (a drawn PNG is smaller than a photograph's; sizes are reported).
A second table has a pair of matching geometry (SDE): a target image and the
best of five source images, beside what six whole images take.

    python benchmarks/data_loading.py --images 4 --rounds 5
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest import mock

import _common as common
import cv2
import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.uda.disparity_export import encode_disparity

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
PAIRS = 'sde-no-mtl_gta2cs'
# Side -> encoding of its disparities.
PAIR_ENCODINGS = {'source': 'raw16', 'target': 'minmax8'}
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


def read_member(config: str, number: int, root: Path) -> ConfigDict:
    """Training set of a config, on the files of ``make_files``."""
    roots = {
        'STREET_WORLD_ROOT': str(root),
        'GTA_ROOT': str(root / 'gta'),
        'CITYSCAPES_ROOT': str(root / 'cityscapes'),
    }
    for side, encoding in PAIR_ENCODINGS.items():
        roots[f'{side.upper()}_DISPARITY_ROOT'] = str(root / 'artifacts')
        roots[f'{side.upper()}_DISPARITY_KEY'] = encoding
    with mock.patch.dict(os.environ, roots):
        cfg = Config.fromfile(common.REPO / f'configs/methods/{config}.py')
    return cfg.train_dataloader.dataset.datasets[number]


def load_dataset(config: str, number: int, root: Path) -> object:
    """The same, built."""
    settings = read_member(config, number, root)
    # Lists name images of the published data set.
    return DATASETS.build({**settings, 'indices': None})


def write_disparities(root: Path, dataset: object, encoding: str) -> None:
    """Smooth disparities of 1024x512 for every image of a data set."""
    rng = np.random.default_rng(0)
    names = [
        dataset.get_data_info(index)['sample_stem']
        for index in range(len(dataset))
    ]
    meta = dict(encoding=encoding, dataset='', split='', num_images=len(names))
    producer = {'code': 'data_loading'}
    with ArtifactStore(root).writer(
        'disparity', encoding, producer, meta=meta
    ) as writer:
        for name in names:
            smooth = cv2.resize(rng.random((8, 16)), (1024, 512))
            pixels = encode_disparity(smooth, encoding)
            png = cv2.imencode('.png', pixels)[1].tobytes()
            writer.write(name, {f'{name}.png': png})


def load_pairs(root: Path) -> object:
    """The paired data set of ``PAIRS``, on the files of ``make_files``."""
    pair = read_member(PAIRS, 1, root)
    pair.target = pair.target.labeled
    for side, encoding in PAIR_ENCODINGS.items():
        pair[side].indices = None
        dataset = DATASETS.build(pair[side])
        write_disparities(root / 'artifacts', dataset, encoding)
    return DATASETS.build(pair)


def measure_pairs(dataset: object, rounds: int) -> dict[str, float]:
    """Median milliseconds of a pair, and of loading six images whole."""
    seconds: dict[str, list[float]] = {'total': [], 'six_whole_images': []}
    for round_ in range(rounds + 1):
        for index in range(len(dataset)):
            np.random.seed(index)
            start = common.now()
            dataset[index]
            middle = common.now()
            dataset.target[index]
            for _ in range(dataset.num_candidates):
                dataset.source[np.random.randint(len(dataset.source))]
            if round_ > 0:
                seconds['total'].append(middle - start)
                seconds['six_whole_images'].append(common.now() - middle)
    return {part: common.median_ms(v) for part, v in seconds.items()}


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
        pairs = load_pairs(Path(folder) / 'full')
        milliseconds = measure_pairs(pairs, args.rounds)
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
    common.print_table(
        'Matching geometry, one worker, ms per pair',
        ('config', *milliseconds),
        [(PAIRS, *milliseconds.values())],
    )
    cases['matching geometry'] = {
        'config': PAIRS,
        'milliseconds': milliseconds,
    }
    settings = {'images': args.images, 'rounds': args.rounds}
    result = {'settings': settings, 'cases': cases}
    common.report('data_loading', args.json, result)


if __name__ == '__main__':
    main()
