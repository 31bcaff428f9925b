# SPDX-License-Identifier: Apache-2.0
import pickle

import numpy as np
import pytest

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.mapillary import MapillaryRawDataset
from mmseg_da.datasets.synscapes import SynscapesDataset
from mmseg_da.datasets.synthia import SynthiaDataset, SynthiaParsedDataset

PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]


@pytest.fixture
def synthia_root(raw_folders):
    root = raw_folders.root / 'synthia'
    raw_folders.image(root / 'RGB/0000000.png')
    labels = raw_folders.labels(*range(23))
    raw_folders.rgb16(root / 'GT/LABELS/0000000.png', labels)
    raw_folders.grey(root / 'parsed_LABELS/0000000.png', labels)
    return root


@pytest.mark.parametrize('kind', [SynthiaDataset, SynthiaParsedDataset])
@pytest.mark.parametrize('view', ['cityscapes16', 'cityscapes19', 'vistas7'])
def test_synthia(raw_folders, synthia_root, kind, view):
    dataset = kind(
        data_root=str(synthia_root), class_view=view, pipeline=PIPELINE
    )
    lut = get_class_view(view).lut('synthia')
    expected = lut[raw_folders.labels(*range(23))]
    assert (dataset[0]['gt_seg_map'] == expected).all()


def test_synthia_folders_mixed_up(synthia_root):
    prefix = dict(img_path='RGB', seg_map_path='parsed_LABELS')
    dataset = SynthiaDataset(
        data_root=str(synthia_root), data_prefix=prefix, pipeline=PIPELINE
    )
    with pytest.raises(ValueError, match=r'is 8-bit grey.*16-bit RGB.*Parsed'):
        dataset[0]
    prefix = dict(img_path='RGB', seg_map_path='GT/LABELS')
    dataset = SynthiaParsedDataset(
        data_root=str(synthia_root), data_prefix=prefix, pipeline=PIPELINE
    )
    with pytest.raises(ValueError, match=r'is 16-bit RGB.*8-bit palette'):
        dataset[0]


def test_synscapes(raw_folders):
    root = raw_folders.root / 'synscapes'
    labels = raw_folders.labels(*range(34))
    raw_folders.image(root / 'img/rgb/1.png')
    raw_folders.grey(root / 'img/class/1.png', labels)
    dataset = SynscapesDataset(data_root=str(root), pipeline=PIPELINE)
    expected = get_class_view('cityscapes19').lut('cityscapes')[labels]
    assert (dataset[0]['gt_seg_map'] == expected).all()
    assert dataset.metainfo['dataset_name'] == 'synscapes'


@pytest.mark.parametrize(
    ('images', 'labels', 'layout'),
    [
        ('training/images', 'training/labels', 'release 1.2'),
        ('training/images', 'training/v1.2/labels', 'release 1.2'),
        ('train/images', 'train/labels', 'renamed splits'),
    ],
)
@pytest.mark.parametrize('view', ['vistas7', 'cityscapes19'])
def test_mapillary(raw_folders, images, labels, layout, view):
    root = raw_folders.root / 'vistas'
    ids = raw_folders.labels(*range(66))
    raw_folders.image(root / images / 'abc.jpg')
    raw_folders.palette(root / labels / 'abc.png', ids)
    dataset = MapillaryRawDataset(
        data_root=str(root), class_view=view, pipeline=PIPELINE
    )
    assert dataset.layout == layout
    expected = get_class_view(view).lut('mapillary_v1')[ids]
    assert (dataset[0]['gt_seg_map'] == expected).all()


def test_datasets_reach_spawned_workers(synthia_root):
    dataset = SynthiaDataset(data_root=str(synthia_root), pipeline=PIPELINE)
    copy = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(copy[0]['gt_seg_map'], dataset[0]['gt_seg_map'])
