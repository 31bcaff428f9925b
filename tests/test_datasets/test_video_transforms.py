# SPDX-License-Identifier: Apache-2.0
"""Cameras, motions, colour and pyramids of video samples."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from mmseg_da.datasets.cityscapes_sequence import CityscapesSequenceDataset
from mmseg_da.datasets.game_sequences import (
    GTASequenceDataset,
    SynthiaSequenceDataset,
)
from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings
from mmseg_da.datasets.transforms import (
    BuildImagePyramid,
    JointRandomCrop,
    JointRandomFlip,
    JointResize,
    KeepWholeFrames,
    LoadCamera,
    LoadNeighbourFrames,
    LoadStreetImage,
    LoadVehicleMotion,
    SequenceColorJitter,
    UseLegacyIntrinsics,
)
from mmseg_da.datasets.transforms.vehicle import vehicle_motion

CITYSCAPES = CityscapesSequenceDataset.INTRINSICS


class CropAt(JointRandomCrop):
    """The crop at a fixed corner."""

    def __init__(self, left, size=(512, 512)):
        super().__init__(crop_size=size)
        self.left = left

    def crop_bbox(self, results):
        height, width = self.crop_size
        return 0, height, self.left, self.left + width


def camera(normalized, raw, flip, left, legacy=False):
    """K of a raw image at 1024x512, mirrored, cropped at a column."""
    results = dict(
        img=np.zeros((*raw, 3), np.uint8),
        ori_shape=raw,
        img_shape=raw,
        normalized_intrinsics=normalized,
    )
    steps = [
        LoadCamera(pixel_center=0.5),
        JointResize(scale=(1024, 512)),
        JointRandomFlip(prob=float(flip)),
        CropAt(left),
    ]
    for step in steps:
        results = step(results)
    if legacy:
        results = UseLegacyIntrinsics()(results)
    k = results['intrinsics']
    return k[0, 0], k[1, 1], k[0, 2], k[1, 2]


@pytest.mark.parametrize(
    'flip, left, legacy, expected',
    [
        (False, 0, False, (1131.26, 1132.651, 548.49, 256.569)),
        (True, 0, False, (1131.26, 1132.651, 475.51, 256.569)),
        (True, 200, False, (1131.26, 1132.651, 275.51, 256.569)),
        (False, 0, True, (2262.52, 2265.302, 1096.98, 513.137)),
        (True, 200, True, (2262.52, 2265.302, 751.02, 510.863)),
    ],
)
def test_camera_of_cityscapes(flip, left, legacy, expected):
    found = camera(CITYSCAPES, (1024, 2048), flip, left, legacy)
    assert found == pytest.approx(expected, abs=2e-3)


def test_cameras_of_the_games():
    viper = camera(GTASequenceDataset.INTRINSICS, (1080, 1920), False, 0)
    assert viper == pytest.approx((1235.236, 1097.988, 512, 256), abs=1e-3)
    synthia = camera(SynthiaSequenceDataset.INTRINSICS, (760, 1280), False, 0)
    assert synthia == pytest.approx((426.192, 358.899, 512, 256), abs=1e-3)


def test_legacy_camera_needs_its_convention():
    results = dict(
        ori_shape=(4, 8), normalized_intrinsics=CITYSCAPES, pixel_center=0.0
    )
    with pytest.raises(ValueError, match='pixel_center=0.5'):
        UseLegacyIntrinsics()(results)


def frames(seed=0, size=(24, 32)):
    random = np.random.default_rng(seed)
    keys = ('img', 'frame_m1', 'frame_p1')
    images = {k: random.integers(0, 256, (*size, 3), np.uint8) for k in keys}
    return dict(images, frame_fields=['frame_m1', 'frame_p1'])


def test_jitter_is_one_draw_and_keeps_the_originals():
    results = frames()
    results['frame_m1'] = results['img'].copy()
    before = {k: results[k].copy() for k in ('img', 'frame_m1', 'frame_p1')}
    np.random.seed(0)
    results = SequenceColorJitter(prob=1)(results)
    assert (results['img'] != before['img']).any()
    np.testing.assert_array_equal(results['img'], results['frame_m1'])
    for key, clean in (('img', 'clean_0'), ('frame_p1', 'clean_p1')):
        np.testing.assert_array_equal(results[clean], before[key])


def test_no_jitter_and_neutral_factors_change_nothing():
    for jitter in (
        SequenceColorJitter(prob=0),
        SequenceColorJitter(1, brightness=0, contrast=0, saturation=0, hue=0),
    ):
        results = jitter(frames())
        np.testing.assert_array_equal(results['img'], frames()['img'])
        np.testing.assert_array_equal(results['img'], results['clean_0'])


def test_jitter_refuses_bad_values():
    with pytest.raises(ValueError, match='hue=0.7'):
        SequenceColorJitter(hue=0.7)


def test_whole_frames_stay_whole_and_are_jittered_too():
    results = KeepWholeFrames()(frames(size=(24, 32)))
    results.update(img_shape=(24, 32))
    results = CropAt(8, (16, 16))(results)
    np.random.seed(1)
    results = SequenceColorJitter(prob=1)(results)
    assert results['img'].shape == (16, 16, 3)
    assert results['whole_m1'].shape == (24, 32, 3)
    assert (results['whole_0'] != frames()['img']).any()


def test_pyramid_is_lanczos_of_the_level_before():
    results = BuildImagePyramid(2)(frames(size=(16, 32)))
    first = Image.fromarray(results['img']).resize(
        (16, 8), Image.Resampling.LANCZOS
    )
    second = first.resize((8, 4), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(results['pyramid_1'], np.asarray(first))
    np.testing.assert_array_equal(results['pyramid_2'], np.asarray(second))
    with pytest.raises(ValueError, match='too small for 5 halvings'):
        BuildImagePyramid(5)(frames(size=(16, 32)))


def test_vehicle_motion_by_hand():
    straight = vehicle_motion(0.8, 0.0)
    assert straight[:3, 3] == pytest.approx([0, 0, -0.8])
    # What lies ahead appears to the right after a turn to the left.
    left = vehicle_motion(0.0, math.pi / 2)
    assert left[:3, :3] @ [0, 0, 1] == pytest.approx([1, 0, 0])
    # A camera that looks down sees the way come from above.
    tilted = vehicle_motion(1.0, 0.0, pitch=math.pi / 6)
    assert tilted[:3, 3] == pytest.approx([0, 0.5, -math.sqrt(0.75)])


@pytest.fixture(scope='module')
def driven(tmp_path_factory):
    root = tmp_path_factory.mktemp('driven')
    settings = WorldSettings(
        size=(128, 64), train=4, val=1, sequence_frames=3, truth_share=1.0
    )
    generate(root, ('cityscapes', 'cityscapes_sequence'), settings)
    return root / 'cityscapes'


def test_vehicle_files_give_the_exact_motion(driven):
    data = CityscapesSequenceDataset(
        data_root=str(driven),
        split='train',
        camera=True,
        vehicle=True,
        pipeline=[LoadVehicleMotion()],
    )
    for i in range(len(data)):
        sample = data[i]
        path = f'ground_truth/pose/train/{sample["sample_stem"]}.json'
        truth = json.loads((driven / path).read_text(encoding='utf-8'))
        exact = np.array(truth['next_from_current'])
        # The files know neither the mount's yaw nor its jitter.
        np.testing.assert_allclose(sample['motion'][1], exact, atol=0.05)
        assert sample['motion'][0][2, 3] > 0.4
        assert sample['travel'][1] == pytest.approx(
            np.linalg.norm(exact[:3, 3]), rel=0.01
        )


def test_a_mirror_turns_the_motion(driven):
    data = CityscapesSequenceDataset(
        data_root=str(driven),
        split='train',
        camera=True,
        vehicle=True,
        pipeline=[],
    )
    results = data.get_data_info(0)
    for step in (
        LoadStreetImage(),
        LoadNeighbourFrames(),
        LoadVehicleMotion(),
    ):
        results = step(results)
    before = results['motion'].copy()
    results = JointRandomFlip(prob=1.0)(results)
    mirror = np.diag([-1.0, 1, 1, 1])
    np.testing.assert_allclose(
        results['motion'], mirror @ before @ mirror, atol=1e-7
    )
    with pytest.raises(ValueError, match='in front of JointRandomFlip'):
        LoadVehicleMotion()(results)


def test_messages_about_vehicle_files(driven, tmp_path):
    with pytest.raises(ValueError, match='vehicle=True'):
        LoadVehicleMotion()({'img_path': 'x.png'})
    path = tmp_path / 'state.json'
    path.write_text('{"speed": 3}', encoding='utf-8')
    paths = {-1: str(path), 0: str(path), 1: str(path)}
    with pytest.raises(ValueError, match='state.json: expected JSON'):
        LoadVehicleMotion()({'vehicle_paths': paths})
    with pytest.raises(ValueError, match='frame_rate=0'):
        LoadVehicleMotion(frame_rate=0)
    one = next((driven / 'vehicle_sequence/train').rglob('*.json'))
    content = one.read_bytes()
    one.unlink()
    try:
        with pytest.raises(FileNotFoundError, match='1 frames have no veh'):
            CityscapesSequenceDataset(
                data_root=str(driven), split='train', vehicle=True
            )
    finally:
        one.write_bytes(content)
