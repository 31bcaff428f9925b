# SPDX-License-Identifier: Apache-2.0
"""Crops with remembered padding, and Pillow's resize of the whole chain."""

import numpy as np
import pytest
from mmcv.transforms import Compose
from mmseg.registry import TRANSFORMS
from PIL import Image

from mmseg_da.datasets.draw import seeded_draw
from mmseg_da.datasets.transforms import PaddedRandomCrop


def sample(height, width):
    labels = np.arange(height * width).reshape(height, width) % 19
    image = np.random.default_rng(0).integers(
        1, 256, (height, width, 3), np.uint8
    )
    return {
        'img': image,
        'gt_seg_map': labels.astype(np.uint8),
        'seg_fields': ['gt_seg_map'],
    }


def test_a_small_image_is_centred():
    """Sheet 6.1 (6): left (w - W) // 2, the rest right; label 255."""
    found = PaddedRandomCrop((7, 10))(sample(4, 5))
    mask = np.ones((7, 10), np.uint8)
    mask[1:5, 2:7] = 0
    np.testing.assert_array_equal(found['padding_mask'], mask)
    start = sample(4, 5)
    np.testing.assert_array_equal(found['img'][1:5, 2:7], start['img'])
    assert (found['img'][mask == 1] == 0).all()
    labels = found['gt_seg_map']
    np.testing.assert_array_equal(labels[1:5, 2:7], start['gt_seg_map'])
    assert (labels[mask == 1] == 255).all() and found['img_shape'] == (7, 10)


def test_positions_are_uniform():
    tops, lefts = set(), set()
    np.random.seed(0)
    for _ in range(200):
        image = np.zeros((6, 9, 3), np.uint8)
        image[..., 0] = np.arange(6)[:, None]
        image[..., 1] = np.arange(9)
        found = PaddedRandomCrop((4, 4))({'img': image})
        assert found['img'].shape == (4, 4, 3)
        assert not found['padding_mask'].any()
        tops.add(int(found['img'][0, 0, 0]))
        lefts.add(int(found['img'][0, 0, 1]))
    assert tops == {0, 1, 2} and lefts == set(range(6))


def test_one_side_padded_the_other_cropped():
    found = PaddedRandomCrop((6, 4))(sample(3, 9))
    rows = np.flatnonzero(found['padding_mask'].min(1) == 0)
    assert rows.tolist() == [1, 2, 3]
    part = found['gt_seg_map'][1:4].astype(int)
    assert (np.diff(part, axis=1) % 19 == 1).all()


def test_a_second_crop_and_a_flip_move_the_mask():
    steps = Compose(
        [
            PaddedRandomCrop((4, 8)),
            TRANSFORMS.build(dict(type='RandomFlip', prob=1.0)),
            PaddedRandomCrop((6, 8)),
        ]
    )
    found = steps(sample(4, 5))
    mask = np.ones((6, 8), np.uint8)
    mask[1:5, 2:7] = 0
    np.testing.assert_array_equal(found['padding_mask'], mask)
    assert found['seg_fields'] == ['gt_seg_map', 'padding_mask']
    assert found['map_fields'] == ['padding_mask']


def test_the_source_chain_is_that_of_pillow():
    """Sheet 6.1: int(W f) x int(H f), bilinear and nearest, flip."""
    size = (33, 71)
    config = [
        dict(type='Resize', scale=(60, 34)),
        dict(type='RandomResize', scale=(60, 34), ratio_range=(0.5, 1.0)),
    ]
    pillow = dict(keep_ratio=False, backend='pillow', interpolation='bilinear')
    steps = Compose([TRANSFORMS.build({**x, **pillow}) for x in config])
    start = sample(*size)
    image = Image.fromarray(start['img'][..., ::-1].copy())
    labels = Image.fromarray(start['gt_seg_map'])
    with seeded_draw((5,)):
        factor = np.random.uniform(0.5, 1.0)
    with seeded_draw((5,)):
        found = steps(start)
    for shape in ((60, 34), (int(60 * factor), int(34 * factor))):
        image = image.resize(shape, Image.BILINEAR)
        labels = labels.resize(shape, Image.NEAREST)
    np.testing.assert_array_equal(found['img'][..., ::-1], image)
    np.testing.assert_array_equal(found['gt_seg_map'], labels)


def test_bad_size():
    with pytest.raises(ValueError, match=r'crop_size=\(0, 4\); expected'):
        PaddedRandomCrop((0, 4))
