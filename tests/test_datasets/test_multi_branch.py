# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_da.datasets.transforms import MultiBranch, PackUDAInputs
from mmseg_da.models.data_preprocessors import MultiBranchDataPreprocessor

PACK = [dict(type='PackUDAInputs')]


def sample(labelled=True, size=(4, 6)):
    results = dict(
        img=np.full((*size, 3), 7, np.uint8),
        img_path='a.png',
        img_shape=size,
        ori_shape=size,
        dataset_name='swg',
    )
    if labelled:
        results['gt_seg_map'] = np.ones(size, np.uint8)
    return results


def preprocessor(**kwargs):
    inner = dict(
        type='SegDataPreProcessor',
        mean=[0, 0, 0],
        std=[1, 1, 1],
        size=(8, 8),
        seg_pad_val=255,
    )
    return MultiBranchDataPreprocessor(data_preprocessor=inner, **kwargs)


def test_absent_branches_are_place_holders():
    packed = MultiBranch(source=PACK)(sample())
    assert packed['inputs']['source'].shape == (3, 4, 6)
    assert packed['inputs']['target'] is None
    assert packed['data_samples']['source'].dataset_name == 'swg'
    assert set(packed['inputs']) == set(packed['data_samples'])


def test_branches_do_not_share_arrays():
    packed = MultiBranch(target_weak=PACK, target_strong=PACK)(sample())
    packed['inputs']['target_weak'].zero_()
    assert (packed['inputs']['target_strong'] == 7).all()


def test_unknown_branch_is_refused():
    with pytest.raises(ValueError, match=r"\['target_wek'\].*branch_field"):
        MultiBranch(target_wek=PACK)
    with pytest.raises(ValueError, match='at least one pipeline'):
        MultiBranch()


def test_a_mixed_batch_becomes_one_tensor_per_branch():
    source, target = MultiBranch(source=PACK), MultiBranch(target=PACK)
    batch = pseudo_collate(
        [source(sample()), target(sample(False)), target(sample(False))]
    )
    data = preprocessor()(batch, training=True)
    assert data['inputs']['source'].shape == (1, 3, 8, 8)
    assert data['inputs']['target'].shape == (2, 3, 8, 8)
    assert set(data['inputs']) == {'source', 'target'}
    label = data['data_samples']['source'][0].gt_sem_seg.data
    assert (label[0, :4, :6] == 1).all() and (label[0, 4:] == 255).all()
    for unlabelled in data['data_samples']['target']:
        assert tuple(unlabelled.pad_shape) == (8, 8)
        assert 'gt_sem_seg' not in unlabelled


def test_a_branch_can_have_its_own_preprocessor():
    other = dict(
        type='SegDataPreProcessor', mean=[7] * 3, std=[1] * 3, size=(4, 6)
    )
    model = preprocessor(branch_preprocessors=dict(target=other))
    target = MultiBranch(target=PACK)
    data = model(pseudo_collate([target(sample(False))]), training=True)
    assert data['inputs']['target'].shape == (1, 3, 4, 6)
    assert (data['inputs']['target'] == 0).all()


def test_test_batches_pass_through():
    data = dict(
        inputs=[torch.full((3, 4, 6), 7, dtype=torch.uint8)],
        data_samples=[SegDataSample()],
    )
    assert preprocessor()(data)['inputs'].shape == (1, 3, 4, 6)


def test_registered():
    assert MODELS.get('MultiBranchDataPreprocessor')


def test_extra_maps_are_packed():
    results = sample()
    flow = np.arange(48, dtype=np.float32).reshape(4, 6, 2)
    results.update(flow=flow, disparity=flow[..., 0], intrinsics=np.eye(3))
    pack = PackUDAInputs(
        pixel_keys=('flow', 'disparity'), tensor_keys=('intrinsics',)
    )
    packed = pack(results)['data_samples']
    assert isinstance(packed.flow, PixelData)
    assert torch.equal(
        packed.flow.data, torch.from_numpy(flow.transpose(2, 0, 1).copy())
    )
    assert packed.disparity.data.shape == (1, 4, 6)
    assert packed.intrinsics.dtype == torch.float64


def test_extra_maps_of_another_size_or_missing():
    results = sample()
    results['flow'] = np.zeros((2, 3, 2), np.float32)
    with pytest.raises(ValueError, match=r'flow of a.png has size \(2, 3\)'):
        PackUDAInputs(pixel_keys=('flow',))(results)
    with pytest.raises(KeyError, match='depth.*Add the transform'):
        PackUDAInputs(pixel_keys=('depth',))(results)
