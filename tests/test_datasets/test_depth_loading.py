# SPDX-License-Identifier: Apache-2.0
import json
import shutil

import cv2
import numpy as np
import pytest

from mmseg_da.datasets.cityscapes_sequence import CityscapesSequenceDataset
from mmseg_da.datasets.synthia import SynthiaDataset
from mmseg_da.datasets.transforms.depth import LoadDepth, LoadDisparity


def synthia(root, load=None, **options):
    pipeline = [dict(type='LoadStreetImage'), load or dict(type='LoadDepth')]
    options.setdefault('depth', True)
    return SynthiaDataset(
        data_root=str(root / 'synthia'), pipeline=pipeline, **options
    )


def true_depth(root):
    folder = root / 'synthia/ground_truth/depth/train'
    return np.load(folder / '0000000.npy')


def test_synthia_depth(sequence_world):
    sample = synthia(sequence_world)[0]
    truth = true_depth(sequence_world)
    near = truth < 655
    depth = sample['gt_depth_map']
    assert depth.dtype == np.float32
    # Stored in whole centimetres.
    assert np.abs(depth - truth)[near].max() <= 0.00501
    assert np.array_equal(sample['depth_valid'], near.astype(np.uint8))
    assert sample['seg_fields'] == ['gt_depth_map', 'depth_valid']


def test_inverse_depth(sequence_world):
    load = dict(type='LoadDepth', output='inverse')
    inverse = synthia(sequence_world, load)[0]['gt_depth_map']
    load = dict(type='LoadDepth', output='centimetres')
    centimetres = synthia(sequence_world, load)[0]['gt_depth_map']
    assert np.allclose(inverse, 65536 / (centimetres + 1))
    sky = np.isinf(true_depth(sequence_world))
    assert sky.any() and (inverse[sky] == 1).all()


@pytest.mark.parametrize(
    'folder',
    ['Depth', 'Depth/Depth', 'RAND_CITYSCAPES/Depth', 'mine'],
)
def test_depth_folders(sequence_world, tmp_path, folder):
    source = sequence_world / 'synthia'
    target = tmp_path / 'synthia'
    inner = 'RAND_CITYSCAPES/' if 'RAND' in folder else ''
    shutil.copytree(source / 'RGB', target / inner / 'RGB')
    shutil.copytree(source / 'Depth/Depth', target / folder)
    options = {}
    if folder == 'mine':
        options['data_prefix'] = dict(img_path='RGB', depth_path='mine')
    dataset = synthia(tmp_path, labeled=False, **options)
    expected = target / folder / '0000000.png'
    assert dataset.get_data_info(0)['depth_path'] == str(expected)


def test_no_depth(sequence_world, tmp_path):
    with pytest.raises(ValueError, match='no depth_path. Set depth=True'):
        synthia(sequence_world, depth=False)[0]
    shutil.copytree(sequence_world / 'synthia', tmp_path / 'synthia')
    (tmp_path / 'synthia/Depth/Depth/0000001.png').unlink()
    with pytest.raises(
        FileNotFoundError, match=r"1 of 2 images have no depth.*'0000001.png'"
    ):
        synthia(tmp_path)
    shutil.rmtree(tmp_path / 'synthia/Depth')
    with pytest.raises(FileNotFoundError, match='no depth folder below'):
        synthia(tmp_path)


GREY16 = np.arange(96 * 192, dtype=np.uint16).reshape(96, 192)


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        ((GREY16 // 256).astype(np.uint8), 'this PNG is 8-bit grey, expected'),
        (np.dstack([GREY16 // 2, GREY16, GREY16]), 'differing channels'),
        (
            np.dstack([GREY16.astype(np.uint8)] * 3),
            'is 8-bit RGB, expected 16-bit grey',
        ),
        (GREY16[:-1], r'size 192x95 differs from the size 192x96'),
        (None, 'truncated or damaged'),
    ],
)
def test_bad_depth_file(sequence_world, tmp_path, image, message):
    shutil.copytree(sequence_world / 'synthia', tmp_path / 'synthia')
    path = tmp_path / 'synthia/Depth/Depth/0000000.png'
    if image is None:
        path.write_bytes(path.read_bytes()[:-40])
    else:
        cv2.imwrite(str(path), image)
    with pytest.raises(ValueError, match=message) as caught:
        synthia(tmp_path)[0]
    assert 'Depth/Depth/0000000.png' in str(caught.value)


def test_three_equal_channels(sequence_world, tmp_path):
    shutil.copytree(sequence_world / 'synthia', tmp_path / 'synthia')
    path = tmp_path / 'synthia/Depth/Depth/0000000.png'
    cv2.imwrite(str(path), np.dstack([GREY16] * 3))
    load = dict(type='LoadDepth', output='centimetres')
    sample = synthia(tmp_path, load)[0]
    assert np.array_equal(sample['gt_depth_map'], GREY16)


def cityscapes(root, camera=True, **load):
    load = dict(type='LoadDisparity', **load)
    return CityscapesSequenceDataset(
        data_root=str(root / 'cityscapes'),
        pipeline=[dict(type='LoadStreetImage'), load],
        frame_offsets=(0,),
        disparity=True,
        camera=camera,
    )


def test_cityscapes_disparity(sequence_world):
    sample = cityscapes(sequence_world)[0]
    raw = cv2.imread(sample['disparity_path'], cv2.IMREAD_UNCHANGED)
    valid = raw > 0
    assert valid.any() and not valid.all()
    assert np.array_equal(sample['disparity_valid'], valid)
    assert np.array_equal(sample['disparity'][valid], (raw[valid] - 1.0) / 256)
    assert (sample['disparity'][~valid] == 0).all()


def test_cityscapes_depth(sequence_world):
    sample = cityscapes(sequence_world, output='depth')[0]
    folder = sequence_world / 'cityscapes/ground_truth/depth/train/aachen'
    truth = np.load(folder / 'aachen_000000_000019.npy')
    with open(sample['camera_path']) as file:
        camera = json.load(file)
    scale = camera['extrinsic']['baseline'] * camera['intrinsic']['fx']
    depth, valid = sample['gt_depth_map'], sample['depth_valid'] == 1
    near = valid & (truth < 50)
    # Half a step of the stored disparity.
    error = np.abs(scale / depth[near] - scale / truth[near])
    assert error.max() <= 1 / 512 + 1e-6
    # Sky: the depth of the smallest positive disparity.
    sky = np.isinf(truth)
    assert np.isfinite(depth).all()
    assert np.allclose(depth[sky], depth[valid].max())
    inverse = cityscapes(sequence_world, output='inverse_depth')[0]
    assert np.allclose(
        inverse['gt_depth_map'][valid], 65536 / (100 * depth[valid] + 1)
    )
    assert (inverse['gt_depth_map'][~valid] == 0).all()


def test_depth_without_camera(sequence_world):
    dataset = cityscapes(sequence_world, camera=False, output='depth')
    with pytest.raises(ValueError, match='no camera_path.*camera=True'):
        dataset[0]


@pytest.mark.parametrize(
    ('encoding', 'dtype', 'full'),
    [('sigmoid8', np.uint8, 255), ('sigmoid16', np.uint16, 65535)],
)
def test_sigmoid_disparity(tmp_path, encoding, dtype, full):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.array([[0, full // 3, full]], dtype))
    results = dict(disparity_path=str(path), img_path='a', ori_shape=(1, 3))
    sample = LoadDisparity(encoding)(dict(results))
    assert np.allclose(sample['disparity'], [[0, 1 / 3, 1]])
    assert (sample['disparity_valid'] == 1).all()
    sample = LoadDisparity(encoding, 'depth')(dict(results))
    expected = 1 / (0.01 + 9.99 * np.array([[0, 1 / 3, 1]]))
    assert np.allclose(sample['gt_depth_map'], expected)
    other = {'sigmoid8': 'sigmoid16', 'sigmoid16': 'sigmoid8'}[encoding]
    with pytest.raises(ValueError, match=r'a.png: this PNG is .*-bit grey, '):
        LoadDisparity(other)(dict(results))


def test_unknown_options():
    with pytest.raises(ValueError, match=r"output='feet' is unknown; allowed"):
        LoadDepth('feet')
    with pytest.raises(ValueError, match=r"encoding='kitti' is unknown"):
        LoadDisparity('kitti')
    with pytest.raises(ValueError, match=r"output='feet' is unknown"):
        LoadDisparity(output='feet')
