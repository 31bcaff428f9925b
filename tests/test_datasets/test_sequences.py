# SPDX-License-Identifier: Apache-2.0
import json
import re
import shutil

import cv2
import numpy as np
import pytest

from mmseg_da.datasets.cityscapes import CityscapesRawDataset
from mmseg_da.datasets.cityscapes_sequence import CityscapesSequenceDataset
from mmseg_da.datasets.game_sequences import (
    GTASequenceDataset,
    SynthiaSequenceDataset,
)
from mmseg_da.datasets.sequence_dataset import shift_frame_number

LOAD = [dict(type='LoadStreetImage'), dict(type='LoadNeighbourFrames')]


def write_frames(folder, names, suffix='.jpg', size=(8, 12)):
    for i, name in enumerate(names):
        path = folder / f'{name}{suffix}'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((*size, 3), 10 * i % 256, np.uint8))


def stems(dataset):
    return [
        dataset.get_data_info(i)['sample_stem'] for i in range(len(dataset))
    ]


@pytest.mark.parametrize(
    ('stem', 'offset', 'separator', 'expected'),
    [
        ('a/a_000000_104857', 1, '_', 'a/a_000000_104858'),
        ('a/a_000000_000019', -19, '_', 'a/a_000000_000000'),
        ('a/a_000000_000019', -20, '_', ''),
        ('video/RGB/000099', 1, '/', 'video/RGB/000100'),
        ('001/001_00009', 1, '_', '001/001_00010'),
    ],
)
def test_frame_numbers(stem, offset, separator, expected):
    assert shift_frame_number(stem, offset, separator) == expected


def test_frame_without_number():
    with pytest.raises(ValueError, match=r'a/holiday: expected a name.*skip'):
        shift_frame_number('a/holiday', 1)


def test_gta_sequence(sequence_world):
    dataset = GTASequenceDataset(
        data_root=str(sequence_world / 'gta_seq'), pipeline=LOAD
    )
    assert stems(dataset) == ['001/001_00020', '002/002_00020']
    sample = dataset[0]
    assert sample['frame_fields'] == ['frame_m1', 'frame_p1']
    for key, number in (('frame_m1', 19), ('frame_p1', 21)):
        path = sequence_world / f'gta_seq/train/img/001/001_000{number}.jpg'
        assert np.array_equal(sample[key], cv2.imread(str(path)))
    assert 'seg_map_path' not in sample
    assert dataset.metainfo['class_view'] == 'cityscapes19'


def test_gta_sequence_rules(tmp_path):
    names = [f'001/001_{i:05d}' for i in (9, 10, 11, 13, 14, 20)]
    names += [f'052/052_{i:05d}' for i in range(62, 69)]
    write_frames(tmp_path / 'train/img', names)
    dataset = GTASequenceDataset(data_root=str(tmp_path))
    # 12 is missing, 052_00064 is corrupted: neither it nor its neighbours.
    kept = ['001/001_00010', *(f'052/052_000{i}' for i in (66, 67))]
    assert stems(dataset) == kept
    every = GTASequenceDataset(data_root=str(tmp_path), every=10)
    assert stems(every) == ['001/001_00010']
    wide = GTASequenceDataset(
        data_root=str(tmp_path), frame_offsets=(-2, 0, 2)
    )
    assert stems(wide) == ['001/001_00011', '052/052_00065']
    loose = GTASequenceDataset(
        data_root=str(tmp_path), require_neighbours=False, pipeline=LOAD
    )
    assert len(loose) == len(names) - 1
    last = stems(loose).index('001/001_00020')
    assert loose[last]['frame_fields'] == []


def test_synthia_sequence(sequence_world):
    root = sequence_world / 'synthia_seq'
    dataset = SynthiaSequenceDataset(data_root=str(root), pipeline=LOAD)
    found = stems(dataset)
    assert len(found) == 2
    assert all('/RGB/' in x and x.endswith('/000019') for x in found)
    sample = dataset[0]
    assert sample['frame_m1'].shape == sample['img'].shape
    assert sample['class_view'] == 'cityscapes16'
    with pytest.raises(FileNotFoundError, match=r"camera='Omni_B' fits none"):
        SynthiaSequenceDataset(data_root=str(root), camera='Omni_B')


def test_synthia_small_copies(tmp_path):
    names = [f'SEQS-01/RGB/Left/{i:06d}' for i in range(4)]
    write_frames(tmp_path / 'video_small', names)
    dataset = SynthiaSequenceDataset(data_root=str(tmp_path))
    assert stems(dataset) == names[1:3]


def cityscapes(root, **options):
    options.setdefault('pipeline', LOAD)
    return CityscapesSequenceDataset(
        data_root=str(root / 'cityscapes'), **options
    )


def test_cityscapes_sequence(sequence_world):
    dataset = cityscapes(
        sequence_world,
        labeled=True,
        disparity=True,
        camera=True,
        pipeline=[*LOAD, dict(type='LoadRawLabels')],
    )
    sample = dataset[0]
    base = 'aachen/aachen_000000_0000'
    root = sequence_world / 'cityscapes'
    assert sample['img_path'].endswith(f'{base}19_leftImg8bit.png')
    assert 'leftImg8bit/train' in sample['frame_paths'][0]
    following = root / f'leftImg8bit_sequence/train/{base}20_leftImg8bit.png'
    assert sample['frame_paths'][1] == str(following)
    assert np.array_equal(sample['frame_p1'], cv2.imread(str(following)))
    assert sample['gt_seg_map'].shape == (96, 192)
    assert sample['disparity_path'].endswith(f'{base}19_disparity.png')
    assert sample['camera_path'].endswith(f'{base}19_camera.json')


def test_cityscapes_every_frame(sequence_world):
    dataset = cityscapes(sequence_world, frames='all', camera=True)
    assert stems(dataset) == [
        'aachen/aachen_000000_000019',
        'bremen/bremen_000000_000019',
    ]
    assert 'leftImg8bit_sequence' in dataset[0]['img_path']
    assert dataset[0]['camera_path'].endswith(
        'aachen_000000_000019_camera.json'
    )


def test_cityscapes_without_sequence_package(sequence_world, tmp_path):
    shutil.copytree(
        sequence_world / 'cityscapes/leftImg8bit',
        tmp_path / 'cityscapes/leftImg8bit',
    )
    with pytest.raises(FileNotFoundError, match='no leftImg8bit_sequence fol'):
        cityscapes(tmp_path)
    single = cityscapes(tmp_path, frame_offsets=(0,))
    assert single[0]['frame_fields'] == []
    with pytest.raises(FileNotFoundError, match=r'no disparity folder.*zip'):
        cityscapes(tmp_path, frame_offsets=(0,), disparity=True)


def test_cityscapes_missing_frames(sequence_world, tmp_path, caplog):
    shutil.copytree(sequence_world / 'cityscapes', tmp_path / 'cityscapes')
    folder = tmp_path / 'cityscapes/leftImg8bit_sequence/train/aachen'
    (folder / 'aachen_000000_000020_leftImg8bit.png').unlink()
    assert stems(cityscapes(tmp_path)) == ['bremen/bremen_000000_000019']
    with pytest.raises(FileNotFoundError, match=r'none of the 2 frames has'):
        cityscapes(tmp_path, frame_offsets=(-5, 0))
    camera = tmp_path / 'cityscapes/camera/train/bremen'
    shutil.rmtree(camera)
    with pytest.raises(
        FileNotFoundError, match=r'no camera file in.*camera=F'
    ):
        cityscapes(tmp_path, camera=True)


def test_a_subset_does_not_depend_on_missing_frames(tmp_path):
    """Ten frames, one without its neighbour: the others keep their subset."""
    root = tmp_path / 'cityscapes'
    names = [f'aachen/aachen_0000{i:02}_000019_leftImg8bit' for i in range(10)]
    around = [
        name.replace('_000019_', f'_0000{number}_')
        for name in names
        for number in (18, 19, 20)
        if (name, number) != (names[4], 20)
    ]
    write_frames(root / 'leftImg8bit/train', names, '.png')
    write_frames(root / 'leftImg8bit_sequence/train', around, '.png')

    def chosen(indices, cls=CityscapesSequenceDataset):
        dataset = cls(data_root=str(root), labeled=False, indices=indices)
        return {stem.split('_')[1] for stem in stems(dataset)}

    for spec in ('fraction:1/2:seed7', 'last:6', 'rest:last:3', [1, 4, 8], 6):
        whole = chosen(spec, CityscapesRawDataset)
        assert '000004' in whole or spec == 'fraction:1/2:seed7'
        assert chosen(spec) == whole - {'000004'}, spec
    with pytest.raises(ValueError, match='none of the 1 chosen images can'):
        chosen([4])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(frame_offsets=(-1, -1)), r'frame_offsets=\(-1, -1\); give diff'),
        (dict(frame_offsets=(0.5,)), 'whole numbers'),
        (dict(intrinsics=(1, 2, 3)), r'give the normalised camera'),
        (dict(intrinsics=(2262.5, 2265, 1097, 513)), r'normalised camera'),
        (dict(frames='some'), r"frames='some' is unknown; allowed"),
        (dict(frames='all', labeled=True), r'the annotated frames only'),
        (dict(frames='all', disparity=True), r'the annotated frames only'),
        (dict(cache=dict(dir='x', scale=(8, 8))), 'not available for seq'),
        (dict(split='trian'), r"split 'trian' is unknown"),
    ],
)
def test_bad_arguments(sequence_world, options, message):
    with pytest.raises(ValueError, match=message):
        cityscapes(sequence_world, **options)


def test_game_bad_arguments(sequence_world):
    root = str(sequence_world / 'gta_seq')
    with pytest.raises(ValueError, match='every=0; give a whole number'):
        GTASequenceDataset(data_root=root, every=0)
    with pytest.raises(ValueError, match='labeled=True, but the labels of'):
        GTASequenceDataset(data_root=root, labeled=True)
    with pytest.raises(FileNotFoundError, match=r'(?s)Expected below.*plain'):
        _ = GTASequenceDataset(data_root=root + '_x')


def test_unknown_argument_is_named(sequence_world):
    with pytest.raises(TypeError, match='frame_offset'):
        cityscapes(sequence_world, frame_offset=(1,))


def test_missing_offset(sequence_world):
    load = dict(type='LoadNeighbourFrames', offsets=(2,))
    dataset = cityscapes(sequence_world, pipeline=[LOAD[0], load])
    with pytest.raises(
        ValueError, match=r'no frame at offset 2, only \[-1, 0'
    ):
        dataset[0]


def test_frames_of_another_size(sequence_world):
    pipeline = [LOAD[0], dict(type='Resize', scale=(96, 48)), LOAD[1]]
    dataset = cityscapes(sequence_world, pipeline=pipeline)
    with pytest.raises(ValueError, match=r'192x96, but the image.*is 96x48'):
        dataset[0]


def load_camera(root, camera=True, intrinsics=None, **options):
    pipeline = [LOAD[0], dict(type='LoadCamera', **options)]
    dataset = cityscapes(
        root, camera=camera, intrinsics=intrinsics, pipeline=pipeline
    )
    return dataset[0]


def test_camera_file(sequence_world):
    sample = load_camera(sequence_world)
    with open(sample['camera_path']) as file:
        inner = json.load(file)['intrinsic']
    expected = [
        [inner['fx'], 0, inner['u0']],
        [0, inner['fy'], inner['v0']],
        [0, 0, 1],
    ]
    assert np.allclose(sample['intrinsics'], expected, rtol=1e-6)
    assert sample['baseline'] == 0.22
    # The file belongs to an image of twice the size.
    half = load_camera(sequence_world, file_size=(384, 192))
    centre = (inner['u0'] + 0.5) / 2 - 0.5
    assert np.isclose(half['intrinsics'][0, 2], centre, rtol=1e-6)
    assert np.isclose(half['intrinsics'][0, 0], inner['fx'] / 2, rtol=1e-6)


def test_normalised_camera(sequence_world):
    options = dict(camera=False, intrinsics=(1.0, 2.0, 0.5, 0.25))
    sample = load_camera(sequence_world, **options)
    expected = [[192, 0, 95.5], [0, 192, 23.5], [0, 0, 1]]
    assert np.array_equal(sample['intrinsics'], np.float32(expected))
    published = load_camera(sequence_world, **options, pixel_center=0.5)
    expected = [[192, 0, 96], [0, 192, 24], [0, 0, 1]]
    assert np.array_equal(published['intrinsics'], np.float32(expected))
    default = load_camera(sequence_world, camera=False, pixel_center=0.5)
    assert np.isclose(default['intrinsics'][0, 0], 192 * 2262.52 / 2048)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{', r'no Cityscapes camera file \(JSONDecodeError'),
        ('{"intrinsic": {"fx": 1}}', r"KeyError: 'fy'"),
        ('[]', r'no Cityscapes camera file'),
        (
            '{"intrinsic": {"fx": 9, "fy": 9, "u0": 999, "v0": 9},'
            ' "extrinsic": {"baseline": 0.2}}',
            r'principal point \(999.0, 9.0\) lies outside.*file_size',
        ),
        (
            '{"intrinsic": {"fx": 0, "fy": 9, "u0": 9, "v0": 9},'
            ' "extrinsic": {"baseline": 0.2}}',
            r'must be positive',
        ),
    ],
)
def test_bad_camera_file(sequence_world, tmp_path, content, message):
    shutil.copytree(sequence_world / 'cityscapes', tmp_path / 'cityscapes')
    for path in tmp_path.rglob('*_camera.json'):
        path.write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_camera(tmp_path)
    assert re.search(r'aachen_000000_000019_camera\.json', str(caught.value))


def test_camera_too_late(sequence_world):
    pipeline = [LOAD[0], dict(type='Resize', scale=(96, 48))]
    pipeline.append(dict(type='LoadCamera'))
    dataset = cityscapes(sequence_world, pipeline=pipeline)
    with pytest.raises(ValueError, match='in front of the geometric'):
        dataset[0]
    with pytest.raises(ValueError, match=r'pixel_center=1; allowed'):
        load_camera(sequence_world, pixel_center=1)
