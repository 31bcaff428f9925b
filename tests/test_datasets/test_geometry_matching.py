# SPDX-License-Identifier: Apache-2.0
"""Matching geometry: the criterion, and pairs through the data path."""

import math

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from mmseg_da.datasets import DomainConcatDataset, PairedGeometryDataset
from mmseg_da.datasets.custom import CustomRawDataset
from mmseg_da.datasets.draw import DrawIndex
from mmseg_da.datasets.geometry_matching import (
    best_match,
    geometry_distance,
    scale_disparity,
)


def constant(value, shape=(512, 512)):
    return np.full(shape, value)


def test_constant_maps_by_hand():
    found = geometry_distance(constant(0.0), constant(1.0))
    assert found == pytest.approx(math.log(2) * 332 / 512, rel=1e-12)
    assert found == pytest.approx(0.44946, abs=1e-5)


def test_ignored_rows_do_not_matter():
    rng = np.random.default_rng(0)
    target = rng.random((512, 64))
    other = target.copy()
    other[:80] = 5
    other[-100:] = 5
    assert geometry_distance(target, other) == 0
    other[80, 0] += 1
    assert geometry_distance(target, other) > 0
    other[80, 0] -= 1
    other[411, 0] += 1
    assert geometry_distance(target, other) > 0


def test_best_match_is_the_first_of_equals():
    rng = np.random.default_rng(1)
    target = rng.random((300, 40))
    others = [rng.random((300, 40)) for _ in range(4)]
    assert best_match(target, [*others, target]) == 4
    assert best_match(target, [others[0], target, target]) == 1


@pytest.mark.parametrize(
    ('scale', 'expected'),
    [
        ('log1', math.log(1.5)),
        ('id', 0.5),
        ('inv', 1 / 0.6),
        ('loginv', -math.log(0.51)),
        ('log01', math.log(0.6)),
        ('synthia', 655.36 / 128.5 - 0.01),
    ],
)
def test_scales(scale, expected):
    found = scale_disparity(np.array([[0.5]], np.float32), scale)
    assert found[0, 0] == pytest.approx(expected, rel=1e-12)


def test_criterion_errors():
    with pytest.raises(ValueError, match="disp_scale 'log' is unknown"):
        scale_disparity(constant(0.5), 'log')
    with pytest.raises(ValueError, match=r'both crops must be \(H, W\)'):
        geometry_distance(constant(0.0), constant(0.0, (512, 256)))
    with pytest.raises(ValueError, match='leave nothing of 128 rows'):
        geometry_distance(*[constant(0.0, (128, 4))] * 2)
    with pytest.raises(ValueError, match='not finite'):
        geometry_distance(constant(0.0), constant(math.nan))


LEVELS = (0.1, 0.4, 0.7, 0.9)
MOVES = [
    dict(type='JointRandomFlip', prob=0.5),
    dict(type='JointRandomCrop', crop_size=(16, 20)),
]
GLANCE = [dict(type='BlankImage', size=(32, 24)), 'disparity', *MOVES]


def make_side(root, name, branch):
    """Noisy images of one grey level; red serves as disparity."""
    noise = np.random.default_rng(0)
    for i, level in enumerate(LEVELS):
        image = noise.normal(255 * level, 8, (24, 32, 3))
        path = root / name / f'{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image.clip(0, 255).astype(np.uint8))
    pack = dict(type='PackUDAInputs', pixel_keys=['disparity'])
    return CustomRawDataset(
        data_root=str(root),
        data_prefix=dict(img_path=name),
        labeled=False,
        dataset_name=name,
        class_view='cityscapes19',
        pipeline=[
            dict(type='LoadStreetImage'),
            red_as_disparity,
            *MOVES,
            dict(type='MultiBranch', **{branch: [pack]}),
        ],
    )


def red_as_disparity(results):
    image = cv2.imread(results['img_path'])
    results['disparity'] = image[:, :, 2].astype(np.float32) / 255
    for key in ('seg_fields', 'map_fields'):
        results[key] = [*results.get(key, []), 'disparity']
    return results


def glance(*, without=(), added=()):
    steps = [red_as_disparity if x == 'disparity' else x for x in GLANCE]
    return [x for x in (*added, *steps) if x not in without]


@pytest.fixture
def paired(tmp_path):
    return PairedGeometryDataset(
        target=make_side(tmp_path, 'target', 'target'),
        source=make_side(tmp_path, 'source', 'source'),
        source_geometry=glance(),
        num_candidates=40,
        ignore_top=2,
        ignore_bottom=3,
    )


def grey(packed, branch):
    """Position of the image, by its mean."""
    mean = packed['inputs'][branch].float().mean() / 255
    return int(np.abs(np.array(LEVELS) - float(mean)).argmin())


def test_pairs_are_alike(paired):
    """40 draws of four sources hold the right one (seeded)."""
    sources = DomainConcatDataset([paired])
    for i in range(len(LEVELS)):
        packed = sources[DrawIndex(i, (0, 0, i))]
        assert grey(packed, 'source') == grey(packed, 'target')
        assert packed['inputs']['target_labeled'] is None


def test_pairs_are_a_function_of_the_draw(paired):
    paired.num_candidates = 1
    sources = DomainConcatDataset([paired])

    def drawn(position):
        return grey(sources[DrawIndex(0, (3, 0, position))], 'source')

    first = [drawn(i) for i in range(12)]
    np.random.rand(5)
    assert [drawn(i) for i in range(12)] == first
    assert len(set(first)) > 1
    assert len(sources) == len(LEVELS)


def test_pairs_equal_those_of_whole_candidates(paired):
    """The definition: load everything, compare, keep the best."""
    paired.num_candidates = 5
    for seed in range(8):
        np.random.seed(seed)
        target = paired.target[seed % 4]
        wanted = target['data_samples']['target'].disparity.data[0].numpy()
        picks = np.random.randint(len(paired.source), size=5)
        loaded = [paired.source[int(i)] for i in picks]
        maps = [
            x['data_samples']['source'].disparity.data[0].numpy()
            for x in loaded
        ]
        expected = loaded[best_match(wanted, maps, 'log1', 2, 3)]
        np.random.seed(seed)
        found = paired[seed % 4]
        for part in ('target', 'source'):
            side = target if part == 'target' else expected
            assert torch.equal(found['inputs'][part], side['inputs'][part])
            assert torch.equal(
                found['data_samples'][part].disparity.data,
                side['data_samples'][part].disparity.data,
            )


def test_only_the_chosen_source_is_decoded(paired):
    opened = []
    load = paired.source.pipeline.transforms[0]
    paired.source.pipeline.transforms[0] = lambda results: (
        opened.append(results['img_path']),
        load(results),
    )[1]
    paired[0]
    assert len(opened) == 1


@pytest.mark.parametrize(
    ('geometry', 'message'),
    [
        (glance(without=MOVES[:1]), "gives another 'disparity' than"),
        (glance(without=[red_as_disparity]), "gives no 'disparity'"),
    ],
)
def test_a_glance_that_does_not_fit_is_refused(paired, geometry, message):
    paired.glance = Compose(geometry)
    np.random.seed(1)
    with pytest.raises(ValueError, match=message):
        paired[0]


def test_pair_errors(tmp_path):
    target = make_side(tmp_path, 'target', 'target')
    source = make_side(tmp_path, 'source', 'target')
    with pytest.raises(ValueError, match='num_candidates=0'):
        PairedGeometryDataset(target, source, [], num_candidates=0)
    rows = dict(ignore_top=0, ignore_bottom=0)
    with pytest.raises(ValueError, match="branch 'source' has no 'disparity'"):
        PairedGeometryDataset(target, source, glance(), **rows)[0]
    both = PairedGeometryDataset(
        target, source, glance(), source_branch='target', **rows
    )
    with pytest.raises(ValueError, match="both pipelines fill branch 'target"):
        both[0]
    other = make_side(tmp_path, 'source', 'source')
    other._metainfo['classes'] = ('a', 'b')
    with pytest.raises(ValueError, match='target has 19 and source 2 classes'):
        PairedGeometryDataset(target, other, [])
