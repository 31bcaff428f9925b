# SPDX-License-Identifier: Apache-2.0
import io

import numpy as np
import pytest
from PIL import Image

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.custom import CustomRawDataset, table_decoder

PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]
PREFIX = dict(img_path='photos', seg_map_path='masks')


@pytest.fixture
def own_root(raw_folders):
    raw_folders.image(raw_folders.root / 'photos/a.jpg')
    labels = raw_folders.labels(0, 1, 2, 3)
    raw_folders.grey(raw_folders.root / 'masks/a.png', labels)
    return str(raw_folders.root)


def build(root, **arguments):
    settings = dict(
        data_root=root,
        data_prefix=PREFIX,
        img_suffix='.jpg',
        pipeline=PIPELINE,
    )
    return CustomRawDataset(**{**settings, **arguments})


def test_ids_onto_a_registered_view(own_root):
    table = [(0, None), (1, 'road'), (2, 'car'), (3, 'car')]
    dataset = build(own_root, raw_labels=table)
    assert list(dataset[0]['gt_seg_map'][0, :4]) == [255, 0, 13, 13]
    assert len(dataset.metainfo['classes']) == 19


def test_own_classes_with_colours(own_root, raw_folders):
    rgb = np.array([(1, 2, 3), (200, 0, 0)], np.uint8)
    Image.fromarray(rgb[raw_folders.labels(0, 1)]).save(
        raw_folders.root / 'masks/a.png'
    )
    dataset = build(
        own_root,
        classes=['floor', 'shelf'],
        dataset_name='shop',
        raw_labels=[[[1, 2, 3], 'shelf'], [[200, 0, 0], None]],
    )
    assert list(dataset[0]['gt_seg_map'][0, :2]) == [1, 255]
    assert dataset.metainfo['classes'] == ('floor', 'shelf')
    assert dataset.metainfo['class_view'] == 'shop'
    assert len({tuple(c) for c in dataset.metainfo['palette']}) == 2


def test_train_ids_and_unlabelled(own_root):
    dataset = build(own_root, label_format='train_ids')
    assert list(dataset[0]['gt_seg_map'][0, :4]) == [0, 1, 2, 3]
    dataset = build(
        own_root,
        data_prefix=dict(img_path='photos'),
        labeled=False,
        pipeline=PIPELINE[:1],
    )
    assert 'seg_map_path' not in dataset[0]


def test_id_outside_the_table(own_root):
    dataset = build(own_root, raw_labels=[(0, None), (1, 'road')])
    with pytest.raises(ValueError, match=r'2 \(60 px\), 3 .*raw_labels'):
        dataset[0]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(), 'raw_labels is missing'),
        (dict(raw_labels=7), 'raw_labels=7 is no list of pairs; expected'),
        (dict(raw_labels=[7]), 'raw_labels entry 7 is no pair'),
        (dict(classes=7), 'classes=7 is no list of names; expected'),
        (dict(classes='road'), "classes='road' is no list of names"),
        (dict(classes=[7]), r'classes=\[7\] is no list of names'),
        (
            dict(classes=['a'], palette=7),
            'palette=7 is no list of RGB colours; expected',
        ),
        (dict(raw_labels=[(0, 'roda')]), "'roda' is no class of view"),
        (dict(raw_labels=[(0, 'car'), (0, 'bus')]), r"\['0'\] more than once"),
        (dict(raw_labels=[(256, 'car')]), r'\(256, .car.\) is no pair'),
        (dict(raw_labels=[((1, 2), 'car')]), 'is no pair'),
        (dict(raw_labels=[('car', 3)]), 'is no pair'),
        (dict(raw_labels=[(0, 'car'), ((0, 0, 1), 'bus')]), 'mixes ids and'),
        (
            dict(raw_labels=[(0, 'car')], label_encoding='png'),
            "label_encoding 'png' is unknown",
        ),
        (
            dict(classes=['a'], class_view='vistas7'),
            'either class_view=.vistas7. or own classes',
        ),
        (
            dict(classes=['a', 'b'], palette=[(0, 0, 0)]),
            '2 classes but 1 palette',
        ),
        (dict(data_prefix=None), 'names no image folder'),
        (dict(label_format='train_id'), "'train_id' is unknown; allowed"),
    ],
)
def test_bad_settings(own_root, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(own_root, **arguments)


def test_an_id_table_may_be_a_mapping():
    view = get_class_view('cityscapes19')
    pairs = [(0, None), (7, 'road'), (26, 'car')]
    listed = table_decoder(pairs, view, 'index8', 'x')
    mapped = table_decoder(dict(pairs), view, 'index8', 'x')
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 7, 26]], np.uint8)).save(buffer, 'PNG')
    data = buffer.getvalue()
    assert np.array_equal(listed.decode(data, 'a'), mapped.decode(data, 'a'))
    with pytest.raises(ValueError, match=r'raw_labels entry 7 is no pair'):
        table_decoder([7, 26], view, 'index8', 'x')
