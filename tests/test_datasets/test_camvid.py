# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from mmseg_da.datasets import CamVidDataset

PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]


def test_reads_the_segnet_layout(raw_folders):
    root = str(raw_folders.camvid())
    dataset = CamVidDataset(data_root=root, pipeline=PIPELINE)
    assert len(dataset) == 2
    labels = raw_folders.labels(*range(12))
    expected = np.where(labels == 11, 255, labels)
    assert (dataset[0]['gt_seg_map'] == expected).all()
    assert dataset.metainfo['class_view'] == 'camvid11'
    assert len(CamVidDataset(data_root=root, split='val')) == 1


def test_reads_the_list(raw_folders):
    dataset = CamVidDataset(
        data_root=str(raw_folders.camvid()), ann_file='train.txt'
    )
    assert len(dataset) == 2


def test_other_view_needs_a_map(raw_folders):
    with pytest.raises(ValueError, match="no map for the label table 'camvi"):
        CamVidDataset(
            data_root=str(raw_folders.camvid()), class_view='cityscapes19'
        )


@pytest.mark.parametrize(('split', 'count'), [('train', 184), ('val', 51)])
def test_real_frames(camvid_root, split, count):
    dataset = CamVidDataset(
        data_root=str(camvid_root),
        split=split,
        ann_file=f'{split}.txt',
        pipeline=PIPELINE,
    )
    assert len(dataset) == count
    seen = np.zeros(256, bool)
    for sample in dataset:
        assert sample['gt_seg_map'].shape == (360, 480)
        seen[np.unique(sample['gt_seg_map'])] = True
    assert set(np.flatnonzero(seen)) == {*range(11), 255}
