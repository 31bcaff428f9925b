# SPDX-License-Identifier: Apache-2.0
"""Partly labelled sets and the exact disparities of StreetWorld."""

import numpy as np
import pytest

from mmseg_da.datasets import CityscapesRawDataset, PartlyLabeledDataset
from mmseg_da.datasets.transforms import LoadExactDisparity

LABELS = 'fraction:1/4:seed42'


def part(root, labeled, indices):
    load = [dict(type='LoadStreetImage')]
    if labeled:
        load.append(dict(type='LoadRawLabels'))
    pack = [dict(type='PackUDAInputs')]
    return CityscapesRawDataset(
        data_root=str(root / 'cityscapes'),
        split='train',
        labeled=labeled,
        indices=indices,
        pipeline=[*load, dict(type='MultiBranch', target=pack)],
    )


def test_labelled_images_come_first_and_none_is_lost(street_world):
    dataset = PartlyLabeledDataset(
        part(street_world, True, LABELS),
        part(street_world, False, f'rest:{LABELS}'),
    )
    assert len(dataset) == 8
    samples = [dataset[i]['data_samples']['target'] for i in range(8)]
    known = ['gt_sem_seg' in sample for sample in samples]
    assert known == [True] * 2 + [False] * 6
    paths = {dataset.get_data_info(i)['img_path'] for i in range(8)}
    assert len(paths) == 8


def test_overlap_is_refused(street_world):
    with pytest.raises(ValueError, match='2 images are in labeled and in'):
        PartlyLabeledDataset(
            part(street_world, True, LABELS), part(street_world, False, None)
        )


def sample(root, dataset=None):
    dataset = dataset or part(root, False, None)
    info = dataset.get_data_info(0)
    info['img_shape'] = (64, 128)
    return info


def folder(root):
    return root / 'cityscapes/ground_truth/depth/train'


def test_exact_disparity_is_stretched_inverse_depth(street_world):
    info = sample(street_world)
    loaded = LoadExactDisparity(str(folder(street_world)))(dict(info))
    depth = np.load(folder(street_world) / f'{info["sample_stem"]}.npy')
    near = 1 / depth
    expected = (near - near.min()) / (near.max() - near.min())
    np.testing.assert_allclose(loaded['disparity'], expected, atol=1e-6)
    assert loaded['disparity'].dtype == np.float32
    assert loaded['seg_fields'] == ['disparity']
    assert loaded['map_fields'] == ['disparity']
    plain = LoadExactDisparity(str(folder(street_world)), 'none')(dict(info))
    np.testing.assert_allclose(plain['disparity'], near, rtol=1e-6)


def test_missing_exact_depth_names_the_command(street_world, tmp_path):
    with pytest.raises(FileNotFoundError, match='--truth-share 1'):
        LoadExactDisparity(str(tmp_path))(sample(street_world))


def test_exact_depth_of_another_size(street_world):
    info = sample(street_world)
    info['img_shape'] = (32, 64)
    with pytest.raises(ValueError, match='in front of the resize'):
        LoadExactDisparity(str(folder(street_world)))(info)


def test_exact_depth_has_to_be_positive(street_world, tmp_path):
    info = sample(street_world)
    path = tmp_path / f'{info["sample_stem"]}.npy'
    path.parent.mkdir(parents=True)
    np.save(path, np.zeros((64, 128), np.float32))
    with pytest.raises(ValueError, match='expected positive metres'):
        LoadExactDisparity(str(tmp_path))(info)


def test_unknown_normalisation():
    with pytest.raises(ValueError, match="normalize='log' is unknown"):
        LoadExactDisparity('somewhere', 'log')
