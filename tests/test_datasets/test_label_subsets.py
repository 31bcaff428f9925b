# SPDX-License-Identifier: Apache-2.0
"""The package's lists and the texts that ``indices`` understands."""

import itertools
import json
from fractions import Fraction

import numpy as np
import pytest

from mmseg_da.datasets import CityscapesRawDataset, GTADataset
from mmseg_da.datasets.subset_files import read_subset
from mmseg_da.datasets.subsets import (
    SUBSET_FOLDER,
    fraction_positions,
    package_subsets,
    select_positions,
)

# Images per training city, from the Cityscapes download.
TRAIN_CITIES = {
    'aachen': 174,
    'bochum': 96,
    'bremen': 316,
    'cologne': 154,
    'darmstadt': 85,
    'dusseldorf': 221,
    'erfurt': 109,
    'hamburg': 248,
    'hanover': 196,
    'jena': 119,
    'krefeld': 99,
    'monchengladbach': 94,
    'strasbourg': 365,
    'stuttgart': 196,
    'tubingen': 144,
    'ulm': 95,
    'weimar': 142,
    'zurich': 122,
}
CITYSCAPES = [
    f'{city}/{city}_{i:06d}_000019'
    for city, count in TRAIN_CITIES.items()
    for i in range(count)
]
SUFFIX = '_leftImg8bit.png'


def load(name):
    return json.loads((SUBSET_FOLDER / name).read_text())


def select(spec, stems=CITYSCAPES, root=None):
    return select_positions(spec, stems, SUFFIX, root)


@pytest.mark.parametrize(
    ('name', 'fraction', 'count'),
    [
        ('1_30', '1/30', 100),
        ('1_16', '1/16', 186),
        ('1_8', '1/8', 372),
        ('1_4', '1/4', 744),
        ('1_2', '1/2', 1488),
        ('1pct', '1%', 30),
        ('10pct', '10%', 298),
        ('50pct', '50%', 1488),
    ],
)
def test_own_lists_follow_the_documented_rule(name, fraction, count):
    positions = select(f'cityscapes_{name}.json')
    legacy = np.random.RandomState(42).permutation(2975)[:count]
    assert positions == sorted(legacy.tolist())
    assert positions == select(f'fraction:{fraction}:seed42')
    assert positions == select(f'fraction:{fraction}')


def test_smaller_lists_lie_inside_larger_ones():
    names = ('1pct', '1_30', '1_16', '10pct', '1_8', '1_4', '1_2')
    sets = [set(select(f'cityscapes_{name}.json')) for name in names]
    for small, large in itertools.pairwise(sets):
        assert small < large
    # The random baseline of the published system with seed 42.
    assert select('cityscapes_1_30.json')[:5] == [0, 45, 52, 63, 93]


@pytest.mark.parametrize('seed', [42, 43, 44])
@pytest.mark.parametrize('method', ['ds_us', 'ds', 'us', 'ent'])
def test_published_rankings(method, seed):
    positions = load(f'cityscapes_sde_{method}_{seed}.json')['positions']
    permutation = np.random.RandomState(seed).permutation(2975).tolist()
    assert len(set(positions)) == 744 and max(positions) < 2975
    head = 25 if method in ('us', 'ent') else 1
    assert positions[:head] == permutation[:head]
    if method == 'ds':
        both = load(f'cityscapes_sde_ds_us_{seed}.json')['positions']
        assert positions[:25] == both[:25]
        assert both[1:7] == [1150, 336, 2071, 382, 2563, 184] or seed == 43
    name = f'cityscapes_sde_{method}_{seed}.json'
    assert select(f'{name}:100') == positions[:100]


def test_every_list_fits_its_dataset():
    sizes = {'cityscapes': 2975, 'camvid': 367}
    for name in package_subsets():
        if name.endswith('.json'):
            content = load(name)
            assert content['num_images'] == sizes[content['dataset']], name
            positions = content['positions']
            assert len(set(positions)) == len(positions), name
            assert (
                0
                <= min(positions)
                <= max(positions)
                < sizes[content['dataset']]
            ), name


def test_sac_lists():
    gta = [f'{i:05d}' for i in range(1, 24967)]
    train = select_positions('gta_sac_train.txt', gta, '.png')
    val = select_positions('gta_sac_val.txt', gta, '.png')
    assert (len(train), len(val)) == (9000, 1000)
    assert set(train) | set(val) == set(range(10000))
    assert [gta[i] for i in val[:4]] == ['00001', '00006', '00016', '00018']
    synthia = [f'{i:07d}' for i in range(9400)]
    assert len(select_positions('synthia_sac_val.txt', synthia, '.png')) == 400
    names = (SUBSET_FOLDER / 'cityscapes_sac_val2.txt').read_text().split('\n')
    names = [x for x in names if x and not x.startswith('#')]
    assert len(set(names)) == 500
    assert {x.split('/')[0] for x in names} == set(TRAIN_CITIES)
    assert 'bochum/bochum_000000_037039' in names
    assert 'zurich/zurich_000121_000019' in names


def test_orders_of_fractions():
    part = Fraction(1, 4)
    assert fraction_positions(part, 10, 'sorted') == [0, 1, 2]
    assert fraction_positions(part, 10, 'interleaved') == [0, 3, 6]
    seeded = fraction_positions(part, 10, 'seed7')
    assert seeded == sorted(np.random.RandomState(7).permutation(10)[:3])
    assert fraction_positions(Fraction(1), 4) == [0, 1, 2, 3]


def test_last_and_rest():
    stems = [f'{i:02d}' for i in range(10)]
    assert select('last:3', stems) == [7, 8, 9]
    assert select('rest:last:3', stems) == list(range(7))
    half = select('fraction:1/2', stems)
    rest = select('rest:fraction:1/2', stems)
    assert sorted([*half, *rest]) == list(range(10))


@pytest.mark.parametrize(
    ('spec', 'part'),
    [
        ('fraction:1/0', 'cannot be read; write 1/8'),
        ('fraction:lots', "fraction 'lots' cannot be read"),
        ('fraction:1.5', r'outside \(0, 1\]'),
        ('fraction:0', r'outside \(0, 1\]'),
        ('fraction:1/2:shuffled', "order 'shuffled' .* 'seed<n>'"),
        ('last:0', r'n in 1\.\.2975'),
        ('rest:fraction:1', 'leaves no image over'),
        ('cityscapes_1_8.json:100', 'is no ranking'),
        ('cityscapes_sde_ds_42.json:800', '800 entries asked for, it has 744'),
        ('camvid_sde_ds_us_42.json', '367 images, but the dataset has 2975'),
    ],
)
def test_refused_texts(spec, part):
    with pytest.raises(ValueError, match=part):
        select(spec)


def test_missing_lists_name_the_nearest():
    with pytest.raises(FileNotFoundError, match=r'cityscapes_1_8\.json'):
        select('cityscapes_1_9.json')


def test_lists_refuse_doubles_and_other_lengths(tmp_path):
    path = tmp_path / 'own.json'
    path.write_text('[3, 1, 3]')
    with pytest.raises(ValueError, match='1 positions stand twice'):
        read_subset(str(path), list('abcd'), '.png')
    path.write_text('{"num_images": 5, "positions": [1]}')
    with pytest.raises(ValueError, match='of 5 images, but the dataset has 4'):
        read_subset(str(path), list('abcd'), '.png')
    path.write_text('{"names": ["c", "a.png"]}')
    assert read_subset(str(path), list('abcd'), '.png') == [2, 0]
    path.write_text('{"numbers": [1]}')
    with pytest.raises(ValueError, match="object with 'positions' or 'names'"):
        read_subset(str(path), list('abcd'), '.png')


def test_datasets_take_the_texts(street_world, tmp_path):
    root = str(street_world / 'gta')
    whole = [x['sample_stem'] for x in GTADataset(data_root=root)]
    quarter = GTADataset(data_root=root, indices='fraction:1/4:seed3')
    chosen = sorted(np.random.RandomState(3).permutation(8)[:2])
    assert [x['sample_stem'] for x in quarter] == [whole[i] for i in chosen]
    (tmp_path / 'own.txt').write_text(f'{whole[5]}\n{whole[0]}\n')
    own = GTADataset(data_root=root, indices=str(tmp_path / 'own.txt'))
    assert [x['sample_stem'] for x in own] == [whole[5], whole[0]]
    with pytest.raises(ValueError, match='2975 images, but the dataset has 8'):
        CityscapesRawDataset(
            data_root=str(street_world / 'cityscapes'),
            indices='cityscapes_1_8.json',
        )
