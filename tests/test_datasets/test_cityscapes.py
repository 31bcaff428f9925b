# SPDX-License-Identifier: Apache-2.0
import pytest

from mmseg_da.datasets import CityscapesRawDataset
from mmseg_da.datasets.class_views import get_class_view

PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]


def stems(dataset):
    return [
        dataset.get_data_info(i)['sample_stem'] for i in range(len(dataset))
    ]


def test_plain_layout(raw_folders):
    root = str(raw_folders.cityscapes())
    dataset = CityscapesRawDataset(data_root=root, pipeline=PIPELINE)
    assert dataset.layout == 'plain layout'
    assert stems(dataset) == [
        'aachen/aachen_000000_000019',
        'ulm/ulm_000000_000019',
        'ulm/ulm_000001_000019',
    ]
    lut = get_class_view('cityscapes19').lut('cityscapes')
    labels = lut[raw_folders.labels(*range(34))]
    assert (dataset[0]['gt_seg_map'] == labels).all()
    assert dataset[0]['seg_map_path'].endswith(
        'gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png'
    )


def test_zip_name_layout(raw_folders):
    root = raw_folders.cityscapes(
        'leftImg8bit_trainvaltest/leftImg8bit', 'gtFine_trainvaltest/gtFine'
    )
    dataset = CityscapesRawDataset(
        data_root=str(root), split='val', pipeline=PIPELINE
    )
    assert dataset.layout == 'zip-name layout'
    assert len(dataset) == 1
    assert 'gt_seg_map' in dataset[0]


def test_images_and_labels_may_be_unpacked_differently(raw_folders):
    root = raw_folders.cityscapes(
        'leftImg8bit_trainvaltest/leftImg8bit', 'gtFine'
    )
    dataset = CityscapesRawDataset(data_root=str(root), pipeline=PIPELINE)
    assert 'gt_seg_map' in dataset[0]


def test_test_split_has_no_labels(raw_folders):
    root = str(raw_folders.cityscapes())
    dataset = CityscapesRawDataset(data_root=root, split='test')
    assert dataset.labeled is False
    assert 'seg_map_path' not in dataset.get_data_info(0)
    with pytest.raises(FileNotFoundError, match=r'gtFine/test \(seg_map_path'):
        CityscapesRawDataset(data_root=root, split='test', labeled=True)


def test_own_folders_and_16_classes(raw_folders):
    dataset = CityscapesRawDataset(
        data_root=str(raw_folders.cityscapes()),
        data_prefix=dict(
            img_path='leftImg8bit/train', seg_map_path='gtFine/train'
        ),
        class_view='cityscapes16',
        pipeline=PIPELINE,
    )
    assert dataset.layout == 'own folders'
    assert dataset[1]['gt_seg_map'].max() == 255
    lut = get_class_view('cityscapes16').lut('cityscapes')
    labels = lut[raw_folders.labels(*range(34))]
    assert (dataset[1]['gt_seg_map'] == labels).all()


def test_published_list_formats(raw_folders, tmp_path):
    root = str(raw_folders.cityscapes())
    ours = 'ulm/ulm_000001_000019\n'
    advent = 'ulm/ulm_000001_000019_leftImg8bit.png\n'
    two_columns = f'cityscapes/leftImg8bit/train/{advent.strip()} label.png\n'
    bare = 'ulm_000001_000019\n'
    for text in (ours, advent, two_columns, bare):
        (tmp_path / 'list.txt').write_text(text)
        dataset = CityscapesRawDataset(
            data_root=root, ann_file=str(tmp_path / 'list.txt')
        )
        assert stems(dataset) == ['ulm/ulm_000001_000019']


def test_unknown_split(raw_folders):
    with pytest.raises(ValueError, match=r"split 'training' is unknown"):
        CityscapesRawDataset(
            data_root=str(raw_folders.cityscapes()), split='training'
        )
