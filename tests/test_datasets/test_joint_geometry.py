# SPDX-License-Identifier: Apache-2.0
"""Exact depth, flow, camera and motion still agree after every transform."""

import copy
import json

import cv2
import numpy as np
import pytest
from mmcv.transforms import Compose
from PIL import Image

from mmseg_da.datasets.cityscapes_sequence import CityscapesSequenceDataset
from mmseg_da.datasets.draw import seeded_draw
from mmseg_da.datasets.transforms import (
    LoadCamera,
    LoadNeighbourFrames,
    LoadRawLabels,
    LoadStreetImage,
)
from mmseg_da.datasets.transforms.geometry import (
    JointRandomCrop,
    JointRandomFlip,
    JointResize,
)

STEM = 'aachen/aachen_000000_000019'
MAPS = ('gt_depth_map', 'static')


def reprojection_error(sample, motion):
    """Pixels between exact flow and the flow of a rigid scene, (H, W)."""
    height, width = sample['img'].shape[:2]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    camera = sample['intrinsics'].astype(np.float64)
    depth = sample['gt_depth_map'].reshape(-1).astype(np.float64)
    points = np.linalg.inv(camera) @ pixels * depth
    moved = camera @ (motion[:3, :3] @ points + motion[:3, 3:])
    flow = (moved[:2] / moved[2] - pixels[:2]).T.reshape(height, width, 2)
    return np.abs(flow - sample['flow']).max(-1)


@pytest.fixture(scope='module')
def scene(sequence_world):
    """A sample with exact maps, and the camera's motion to the next frame."""
    pipeline = [
        LoadStreetImage(),
        LoadNeighbourFrames(),
        LoadRawLabels(),
        LoadCamera(),
    ]
    root = sequence_world / 'cityscapes'
    sample = CityscapesSequenceDataset(
        data_root=str(root), labeled=True, camera=True, pipeline=pipeline
    )[0]
    truth = root / 'ground_truth'
    depth = np.load(truth / f'depth/train/{STEM}.npy')
    pose = json.loads((truth / f'pose/train/{STEM}.json').read_text())
    motion = np.array(pose['next_from_current'])
    sample['gt_depth_map'] = np.minimum(depth, 1e6)
    sample['flow'] = np.load(truth / f'flow/train/{STEM}.npy')
    rigid = reprojection_error(sample, motion) < 1e-2
    # All but moving cars, people and the own hood.
    assert rigid.mean() > 0.6
    sample['static'] = rigid.astype(np.uint8)
    sample['seg_fields'] = [*sample['seg_fields'], *MAPS]
    sample['map_fields'] = list(MAPS)
    sample['flow_fields'] = ['flow']
    return sample, motion


def run(scene, *transforms, seed=0):
    sample, motion = copy.deepcopy(scene)
    with seeded_draw((seed,)):
        sample = Compose(list(transforms))(sample)
    if sample.get('flip'):
        mirror = np.diag([-1.0, 1, 1, 1])
        motion = mirror @ motion @ mirror
    return sample, motion


# A third: the exact pixel lies under the centre of each new one.
THIRD = dict(type='JointResize', scale=(64, 32))
FLIP = dict(type='JointRandomFlip', prob=1.0)
CROP = dict(type='JointRandomCrop', crop_size=(24, 40))


@pytest.mark.parametrize(
    'transforms',
    [[THIRD], [FLIP], [CROP], [THIRD, CROP, FLIP], [FLIP, CROP], [CROP, FLIP]],
)
def test_scene_stays_consistent(scene, transforms):
    sample, motion = run(scene, *transforms)
    size = sample['img'].shape[:2]
    for key in ('frame_m1', 'frame_p1', 'gt_seg_map', *MAPS, 'flow'):
        assert sample[key].shape[:2] == size, key
    error = reprojection_error(sample, motion)
    static = sample['static'] == 1
    assert static.mean() > 0.4
    assert error[static].max() < 2e-2
    # The test can fail: the camera of the untouched image does not fit.
    sample['intrinsics'] = scene[0]['intrinsics'] + [
        [0, 0, 3],
        [0] * 3,
        [0] * 3,
    ]
    assert reprojection_error(sample, motion)[static].max() > 2e-2


@pytest.mark.parametrize('size', [(96, 48), (160, 96), (288, 144)])
def test_any_scale_is_nearly_consistent(scene, size):
    """New pixels fall between old ones: half a pixel of the flow's slope."""
    sample, motion = run(scene, dict(type='JointResize', scale=size))
    error = reprojection_error(sample, motion)[sample['static'] == 1]
    assert np.median(error) < 0.05


def test_mirrored_motion_is_needed(scene):
    sample, _ = run(scene, FLIP)
    error = reprojection_error(sample, scene[1])[sample['static'] == 1]
    assert error.max() > 0.1


def test_frames_move_with_the_image(scene):
    same = copy.deepcopy(scene)
    for key in ('frame_m1', 'frame_p1'):
        same[0][key] = same[0]['img'].copy()
    for seed in range(4):
        resize = dict(
            type='RandomResize',
            scale=(192, 96),
            ratio_range=(0.5, 1.5),
            resize_type='JointResize',
            keep_ratio=True,
        )
        flip = dict(type='JointRandomFlip', prob=0.5)
        sample, _ = run(same, resize, CROP, flip, seed=seed)
        for key in ('frame_m1', 'frame_p1'):
            assert np.array_equal(sample[key], sample['img'])


def test_same_draw_same_sample(scene):
    one, two, other = (run(scene, CROP, FLIP, seed=s)[0] for s in (3, 3, 4))
    assert np.array_equal(one['flow'], two['flow'])
    assert not np.array_equal(one['img'], other['img'])


def test_published_camera_convention():
    """K of SDE: K scaled by the size, cx -> w - cx, cx -> cx - left."""
    sample = dict(
        img=np.zeros((760, 1280, 3), np.uint8),
        intrinsics=np.array([[533, 0, 640], [0, 533, 380], [0, 0, 1.0]]),
        pixel_center=0.5,
    )
    sample = JointResize(scale=(1024, 512))(sample)
    expected = [[426.4, 0, 512], [0, 533 * 512 / 760, 256], [0, 0, 1]]
    assert np.allclose(sample['intrinsics'], expected)
    sample['intrinsics'][0, 2] = 500
    sample = JointRandomFlip(prob=1.0)(sample)
    assert np.isclose(sample['intrinsics'][0, 2], 524)
    with seeded_draw((1,)):
        sample = JointRandomCrop((512, 512))(sample)
    assert 524 - 512 <= sample['intrinsics'][0, 2] <= 524


def test_nearest_rules():
    ramp = np.arange(64, dtype=np.float32).reshape(8, 8)
    results = dict(
        img=np.zeros((8, 8, 3), np.uint8),
        depth=ramp,
        seg_fields=['depth'],
        map_fields=['depth'],
    )
    exact = JointResize(scale=(4, 4))(dict(results))['depth']
    pillow = Image.fromarray(ramp).resize((4, 4), Image.Resampling.NEAREST)
    assert np.array_equal(exact, np.asarray(pillow))
    old = JointResize(scale=(4, 4), map_nearest='cv2')(dict(results))['depth']
    assert np.array_equal(
        old, cv2.resize(ramp, (4, 4), interpolation=cv2.INTER_NEAREST)
    )
    assert not np.array_equal(exact, old)
    # The Pillow backend, which cannot resize floats, leaves them to OpenCV.
    mixed = JointResize(scale=(4, 4), backend='pillow')(dict(results))
    assert np.array_equal(mixed['depth'], exact)


def test_labels_as_in_mmseg(scene):
    ours, _ = run(scene, dict(type='JointResize', scale=(100, 50)))
    theirs, _ = run(scene, dict(type='Resize', scale=(100, 50)))
    for key in ('img', 'gt_seg_map'):
        assert np.array_equal(ours[key], theirs[key])
    assert ours['seg_fields'] == ['gt_seg_map', *MAPS]


def test_vertical_flip(scene):
    vertical = dict(type='JointRandomFlip', prob=1.0, direction='vertical')
    sample, _ = run(scene, vertical)
    mirror = np.diag([1.0, -1, 1, 1])
    # run() mirrored the motion sideways; the original is scene[1].
    error = reprojection_error(sample, mirror @ scene[1] @ mirror)
    assert error[sample['static'] == 1].max() < 2e-2


def test_packing(scene):
    pack = dict(
        type='PackUDAInputs',
        pixel_keys=('frame_m1', 'frame_p1', 'flow'),
        tensor_keys=('intrinsics',),
    )
    sample, _ = run(scene, THIRD, CROP, pack)
    data = sample['data_samples']
    assert data.frame_m1.data.shape == (3, 24, 40)
    assert data.flow.data.shape == (2, 24, 40)
    assert data.gt_depth_map.data.shape == (1, 24, 40)
    assert data.intrinsics.shape == (3, 3)


def test_bad_arguments(scene):
    with pytest.raises(ValueError, match=r"map_nearest='near' is unknown"):
        JointResize(scale=(4, 4), map_nearest='near')
    crop = JointRandomCrop((8, 8), cat_max_ratio=0.75)
    with pytest.raises(ValueError, match='cat_max_ratio=0.75 needs labels'):
        crop(dict(img=np.zeros((9, 9, 3), np.uint8), img_path='a.png'))
    image = dict(img=np.zeros((96, 200, 3), np.uint8), img_path='a.png')
    message = r'\(128, 128\) is larger than a\.png, which is \(96, 200\)'
    with pytest.raises(ValueError, match=message):
        JointRandomCrop((128, 128))(image)
