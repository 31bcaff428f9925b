# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder are images, and what is said about the others."""

import shutil

import pytest
from mmengine.logging import MMLogger

from mmseg_da.datasets import CustomRawDataset, GTADataset
from mmseg_da.datasets.game_sequences import GTASequenceDataset
from mmseg_da.datasets.image_listing import find_twins, list_images

PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]


@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture
def one_folder(raw_folders):
    """Photographs x.png with their masks x_mask.png beside them."""
    root = raw_folders.root / 'mine'
    for stem in 'ab':
        raw_folders.image(root / f'{stem}.png')
        raw_folders.grey(root / f'{stem}_mask.png', raw_folders.labels(0, 1))
    return root


def stems_of(dataset):
    return [x['sample_stem'] for x in map(dataset.get_data_info, range(2))]


@pytest.mark.parametrize('labels', ['mine', './mine', 'mine/'])
def test_masks_beside_the_photographs(one_folder, labels, log):
    dataset = CustomRawDataset(
        data_root=str(one_folder.parent),
        data_prefix=dict(img_path='mine', seg_map_path=labels),
        seg_map_suffix='_mask.png',
        raw_labels={0: None, 1: 'road'},
        pipeline=PIPELINE,
    )
    assert len(dataset) == 2 and stems_of(dataset) == ['a', 'b']
    assert list(dataset[1]['gt_seg_map'][0, :2]) == [255, 0]
    assert not [x for x in log.records if x.levelname == 'WARNING']


def test_masks_beside_unlabelled_photographs(one_folder):
    settings = dict(data_root=str(one_folder), labeled=False)
    prefix = dict(img_path='.')
    dataset = CustomRawDataset(
        data_prefix=prefix, seg_map_suffix='_mask.png', **settings
    )
    assert len(dataset) == 2 and stems_of(dataset) == ['a', 'b']
    assert len(CustomRawDataset(data_prefix=prefix, **settings)) == 4


def test_masks_in_a_folder_of_their_own_do_not_count(raw_folders):
    """An image may then end like a mask."""
    raw_folders.image(raw_folders.root / 'photos/a_mask.png')
    labels = raw_folders.labels(0)
    raw_folders.grey(raw_folders.root / 'masks/a_mask_mask.png', labels)
    dataset = CustomRawDataset(
        data_root=str(raw_folders.root),
        data_prefix=dict(img_path='photos', seg_map_path='masks'),
        seg_map_suffix='_mask.png',
        label_format='train_ids',
    )
    assert list_images(dataset) == ['a_mask']


def test_images_that_lie_there_twice(raw_folders, log):
    root = raw_folders.gta()
    raw_folders.image(root / 'images/00002.JPG')
    (root / 'images/00003.txt').write_text('no image')
    dataset = GTADataset(data_root=str(root))
    assert len(dataset) == 3
    assert find_twins(dataset, ['00001', '00002']) == ['00002.JPG']
    assert '1 images of ' in log.text
    assert "have a second file of the same name, e.g. ['00002.JPG']" in (
        log.text
    )


def test_masks_of_another_format_are_no_second_images(raw_folders, log):
    raw_folders.image(raw_folders.root / 'a.jpg')
    raw_folders.grey(raw_folders.root / 'a.png', raw_folders.labels(0))
    dataset = CustomRawDataset(
        data_root=str(raw_folders.root),
        data_prefix=dict(img_path='.', seg_map_path='.'),
        img_suffix='.jpg',
        label_format='train_ids',
    )
    assert len(dataset) == 1
    assert 'second file' not in log.text


def test_misspelt_skip_files_are_named(raw_folders, log):
    root = str(raw_folders.gta())
    GTADataset(data_root=root, skip_files=['00002', '0003.png'])
    assert '1 entries of skip_files fit no image of' in log.text
    assert "e.g. ['0003']" in log.text and "such as '00001'" in log.text


@pytest.fixture
def video(raw_folders):
    for number in (1, 2, 3):
        path = f'seq/train/img/001/001_{number:05d}.jpg'
        raw_folders.image(raw_folders.root / path)
    return str(raw_folders.root / 'seq')


def test_known_faults_of_a_release_are_no_misspelt_names(video, log):
    assert len(GTASequenceDataset(data_root=video)) == 1
    assert 'skip_files' not in log.text


@pytest.mark.parametrize('offsets', [(-1, 0, 1), (0,)])
def test_video_without_a_chosen_frame(video, offsets):
    arguments = dict(data_root=video, frame_offsets=offsets)
    with pytest.raises(
        ValueError,
        match=r'gta-seq\): every=1000 leaves none of the 3 frames of '
        r'.*/train/img; their numbers are \d\.\.\d\.',
    ):
        GTASequenceDataset(every=1000, **arguments)
    skipped = [f'001/001_{number:05d}' for number in (1, 2, 3)]
    with pytest.raises(ValueError, match=r'gta-seq\): .*skip_files'):
        GTASequenceDataset(skip_files=skipped, **arguments)


def test_errors_of_own_data_name_the_given_folders(raw_folders):
    raw_folders.image(raw_folders.root / 'photos/a.png')
    arguments = dict(
        data_root=str(raw_folders.root),
        data_prefix=dict(img_path='photos', seg_map_path='masks'),
        seg_map_suffix='_mask.png',
        label_format='train_ids',
    )
    expected = (
        'Expected below data_root:\n'
        '  data_prefix: photos/**/*.png and masks/**/*_mask.png'
    )
    with pytest.raises(FileNotFoundError) as caught:
        CustomRawDataset(**arguments)
    assert str(caught.value).endswith(expected)
    (raw_folders.root / 'masks').mkdir()
    with pytest.raises(FileNotFoundError, match='no labels ending') as caught:
        CustomRawDataset(**arguments)
    assert str(caught.value).endswith(expected)
    arguments.update(labeled=False, img_suffix='.jpg')
    with pytest.raises(FileNotFoundError, match='no images ending') as caught:
        CustomRawDataset(**arguments)
    assert str(caught.value).endswith('data_prefix: photos/**/*.jpg')


def test_errors_of_a_package_name_given_and_known_folders(raw_folders):
    root = raw_folders.gta()
    shutil.rmtree(root / 'images')
    with pytest.raises(FileNotFoundError) as caught:
        GTADataset(
            data_root=str(root),
            data_prefix=dict(img_path='photos', seg_map_path='labels'),
        )
    message = str(caught.value)
    assert 'data_prefix: photos/**/*.png and labels/**/*.png' in message
    assert 'plain layout: images/**/*.png and labels/**/*.png' in message
    assert 'docs/data.md' in message
