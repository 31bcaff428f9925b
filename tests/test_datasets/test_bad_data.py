# SPDX-License-Identifier: Apache-2.0
"""What a dataset says about a broken folder or argument."""

import json
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_da.datasets import (
    CamVidDataset,
    CheckImageFile,
    CityscapesRawDataset,
    GTADataset,
    LoadStreetImage,
)

PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]


def refused(error, *parts, dataset=GTADataset, **arguments):
    with pytest.raises(error) as caught:
        dataset(**arguments)
    message = str(caught.value)
    for part in parts:
        assert str(part) in message
    assert len(message.splitlines()) <= 15
    return message


def test_missing_root(tmp_path):
    refused(
        FileNotFoundError,
        f'GTADataset (gta): folder {tmp_path}/no/images (img_path, data_root=',
        'Expected below data_root:',
        'plain layout: images/**/*.png and labels/**/*.png',
        'docs/data.md',
        'tools/make_street_world.py',
        data_root=str(tmp_path / 'no'),
    )


def test_missing_root_names_every_layout(tmp_path):
    refused(
        FileNotFoundError,
        'zip-name layout: leftImg8bit_trainvaltest/leftImg8bit/val/**/*_left',
        dataset=CityscapesRawDataset,
        data_root=str(tmp_path),
        split='val',
    )


def test_missing_label_folder(raw_folders):
    root = raw_folders.gta()
    shutil.rmtree(root / 'labels')
    refused(FileNotFoundError, 'gta/labels (seg_map_path', data_root=str(root))


def test_prefix_without_labels(raw_folders):
    refused(
        ValueError,
        "data_prefix has no 'seg_map_path', only ['img_path']",
        'labeled=False',
        data_root=str(raw_folders.gta()),
        data_prefix=dict(img_path='images'),
    )


def test_empty_split(raw_folders):
    root = raw_folders.gta()
    for path in (root / 'images').iterdir():
        path.unlink()
    refused(
        FileNotFoundError,
        "no images ending in '.png'",
        'it is empty',
        data_root=str(root),
    )


def test_wrong_image_suffix(raw_folders):
    refused(
        FileNotFoundError,
        "no images ending in '.jpg'",
        'it holds 3 x .png',
        'Set img_suffix',
        data_root=str(raw_folders.gta()),
        img_suffix='.jpg',
    )


def test_wrong_label_suffix(raw_folders):
    refused(
        FileNotFoundError,
        "no labels ending in '_gtFine_labelTrainIds.png'",
        'it holds 6 x .png, 3 x .json',
        'Set seg_map_suffix',
        dataset=CityscapesRawDataset,
        data_root=str(raw_folders.cityscapes()),
        label_format='train_ids',
    )


def test_image_without_label(raw_folders):
    root = raw_folders.gta(6)
    for stem in ('00002', '00003', '00004', '00005'):
        (root / f'labels/{stem}.png').unlink()
    refused(
        FileNotFoundError,
        '4 of 6 images have no label file',
        "['00002.png', '00003.png', '00004.png']",
        'labeled=False',
        data_root=str(root),
    )


def test_missing_list(raw_folders):
    refused(
        FileNotFoundError,
        'list file',
        'nothing.txt does not exist',
        'ann_file',
        data_root=str(raw_folders.gta()),
        ann_file='nothing.txt',
    )


@pytest.mark.parametrize(
    ('text', 'parts'),
    [
        ('', ['names no image']),
        ('00001\n00002\n00001.png\n', ['names 1 images twice', '00001']),
        ('00001\n00009\n', ['1 of 2 listed images', "['00009']", '3 images']),
    ],
)
def test_bad_list(raw_folders, text, parts):
    root = raw_folders.gta()
    (root / 'list.txt').write_text(text)
    refused(ValueError, *parts, data_root=str(root), ann_file='list.txt')


def test_ambiguous_name(raw_folders):
    root = raw_folders.cityscapes()
    raw_folders.image(
        root / 'leftImg8bit/train/bonn/ulm_000000_000019_leftImg8bit.png'
    )
    (root / 'list.txt').write_text('ulm_000000_000019\n')
    refused(
        ValueError,
        "'ulm_000000_000019' fits several images",
        'bonn/ulm_000000_000019',
        dataset=CityscapesRawDataset,
        data_root=str(root),
        ann_file='list.txt',
        labeled=False,
    )


@pytest.mark.parametrize(
    ('content', 'part'),
    [
        ([0, 3], 'positions are outside 0..2, e.g. [3]'),
        ([], 'expected a non-empty JSON list'),
        ([0, 'a'], 'expected a non-empty JSON list'),
        ({'a': 1}, 'expected a non-empty JSON list'),
    ],
)
def test_bad_subset_file(raw_folders, content, part):
    root = raw_folders.gta()
    (root / 'subset.json').write_text(json.dumps(content))
    refused(ValueError, part, data_root=str(root), indices='subset.json')


def test_broken_subset_file(raw_folders):
    root = raw_folders.gta()
    (root / 'subset.json').write_text('[0, 1')
    refused(
        ValueError, 'no valid JSON', data_root=str(root), indices='subset.json'
    )
    refused(
        FileNotFoundError,
        'none.json does not exist',
        data_root=str(root),
        indices='none.json',
    )


def test_positions_outside_the_dataset(raw_folders):
    refused(
        ValueError,
        'GTADataset (gta), indices: 2 positions are outside 0..2',
        data_root=str(raw_folders.gta()),
        indices=[1, 5, -1],
    )


def test_unknown_class_view_and_split(raw_folders):
    root = str(raw_folders.gta())
    refused(
        ValueError, 'cityscapes18', data_root=root, class_view='cityscapes18'
    )
    refused(ValueError, 'allowed: None', data_root=root, split='train')
    refused(
        ValueError,
        "split='train' and data_prefix={'img_path': 'x'} exclude each other",
        dataset=CamVidDataset,
        data_root=root,
        split='train',
        data_prefix=dict(img_path='x'),
    )
    refused(
        ValueError,
        "allowed: ['train', 'val', 'test']",
        dataset=CamVidDataset,
        data_root=root,
        split='eval',
    )


def test_damaged_files_surface_in_training_mode(raw_folders):
    root = raw_folders.gta(2)
    dataset = GTADataset(data_root=str(root), pipeline=PIPELINE)
    image = root / 'images/00001.png'
    image.write_bytes(image.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r'images/00001\.png: truncated'):
        dataset[0]
    (root / 'labels/00002.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'labels/00002\.png'):
        dataset[1]


def test_sizes_of_image_and_label_differ(raw_folders):
    root = raw_folders.gta(1)
    raw_folders.image(root / 'images/00001.png', (13, 20))
    dataset = GTADataset(data_root=str(root), pipeline=PIPELINE)
    with pytest.raises(ValueError, match=r"skip_files=\['00001'\]"):
        dataset[0]


def test_a_truncated_test_image_is_refused(tmp_path):
    """mmcv's own loader lets it through, see CheckImageFile."""
    image = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    file = tmp_path / 'cut.png'
    data = cv2.imencode('.png', image)[1].tobytes()
    file.write_bytes(data)
    results = {'img_path': str(file)}
    assert CheckImageFile()(results) is results
    assert CheckImageFile()({'img': image})['img'] is image
    file.write_bytes(data[:-20])
    with pytest.raises(ValueError, match=r'cut\.png: truncated or damaged'):
        CheckImageFile()(results)


@pytest.mark.parametrize('indices', [0, [], -2, 0.5, [0.5]])
def test_indices_that_select_nothing(raw_folders, indices):
    refused(
        ValueError,
        f'indices={indices!r} selects nothing of 3 images',
        'fraction:1/2',
        data_root=str(raw_folders.gta()),
        indices=indices,
    )


def test_everything_skipped(raw_folders):
    root = raw_folders.gta()
    stems = [file.stem for file in (root / 'images').iterdir()]
    refused(
        ValueError, 'no image is left', data_root=str(root), skip_files=stems
    )


def test_sixteen_bit_images_are_refused(raw_folders):
    """SYNTHIA's GT/LABELS unpacked as RGB."""
    root = raw_folders.gta()
    file = sorted((root / 'images').iterdir())[0]
    cv2.imwrite(str(file), np.zeros((8, 8, 3), np.uint16))
    loader = LoadStreetImage()
    with pytest.raises(ValueError, match='16-bit RGB.*SYNTHIA labels'):
        loader({'img_path': str(file)})


@pytest.mark.parametrize(
    ('image', 'said'),
    [
        (Image.new('P', (4, 4)), 'palette, the form of label files'),
        (Image.new('I;16', (4, 4)), '16-bit grey; photographs have 8 bits'),
    ],
)
def test_labels_or_depth_for_photographs(tmp_path, image, said):
    image.save(tmp_path / 'x.png')
    with pytest.raises(ValueError, match=said):
        CheckImageFile()({'img_path': str(tmp_path / 'x.png')})
