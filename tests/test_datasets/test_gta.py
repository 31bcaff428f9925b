# SPDX-License-Identifier: Apache-2.0
import zipfile

import numpy as np
import pytest
from mmengine.logging import MMLogger

from mmseg_da.datasets import GTADataset
from mmseg_da.datasets.class_views import get_class_view

PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]


def test_reads_images_and_palette_labels(raw_folders):
    dataset = GTADataset(data_root=str(raw_folders.gta()), pipeline=PIPELINE)
    assert len(dataset) == 3
    sample = dataset[2]
    expected = get_class_view('cityscapes19').lut('gta')
    labels = raw_folders.labels(*range(35))
    assert (sample['gt_seg_map'] == expected[labels]).all()
    assert sample['sample_stem'] == '00003'
    assert sample['img'].shape == (*raw_folders.size, 3)


def test_metainfo_comes_from_the_class_view(raw_folders):
    root = str(raw_folders.gta())
    dataset = GTADataset(data_root=root, class_view='camvid11')
    view = get_class_view('camvid11')
    assert dataset.metainfo['classes'] == view.classes
    assert dataset.metainfo['palette'] == [list(c) for c in view.palette]
    assert dataset.metainfo['class_view'] == 'camvid11'
    assert dataset.metainfo['dataset_name'] == 'gta'
    assert dataset.metainfo['label_map'] is None
    info = dataset.get_data_info(0)
    assert info['label_table'] == 'gta'
    assert info['class_view'] == 'camvid11'
    assert info['reduce_zero_label'] is False


def test_unlabelled_set_needs_no_label_folder(raw_folders):
    root = raw_folders.gta()
    for path in (root / 'labels').iterdir():
        path.unlink()
    (root / 'labels').rmdir()
    dataset = GTADataset(
        data_root=str(root), labeled=False, pipeline=PIPELINE[:1]
    )
    assert len(dataset) == 3
    assert 'seg_map_path' not in dataset[0]
    assert 'label_decoder' not in dataset[0]


def test_converted_labels(raw_folders):
    root = raw_folders.gta(1)
    raw_folders.grey(
        root / 'labels/00001_labelTrainIds.png', raw_folders.labels(0, 255)
    )
    dataset = GTADataset(
        data_root=str(root), label_format='train_ids', pipeline=PIPELINE
    )
    assert set(np.unique(dataset[0]['gt_seg_map'])) == {0, 255}


@pytest.mark.parametrize('packed', ['', 'images labels', 'labels'])
def test_known_faulty_pair_is_left_out_with_a_warning(
    raw_folders, caplog, packed
):
    root = raw_folders.gta()
    for stem, size in (('15188', (12, 21)), ('17705', raw_folders.size)):
        raw_folders.image(root / f'images/{stem}.png', size)
        raw_folders.palette(root / f'labels/{stem}.png', raw_folders.labels(7))
    for kind in packed.split():
        with zipfile.ZipFile(root / f'01_{kind}.zip', 'w') as file:
            for path in sorted((root / kind).iterdir()):
                file.write(path, f'{kind}/{path.name}')
                path.unlink()
        (root / kind).rmdir()
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    dataset = GTADataset(data_root=str(root))
    logger.removeHandler(caplog.handler)
    stems = [dataset.get_data_info(i)['sample_stem'] for i in range(4)]
    assert stems == ['00001', '00002', '00003', '17705']
    assert "left out ['15188']" in caplog.text


def test_faulty_pair_without_label_folder(raw_folders):
    root = raw_folders.gta()
    raw_folders.image(root / 'images/15188.png')
    with pytest.raises(ValueError, match="data_prefix has no 'seg_map_path'"):
        GTADataset(data_root=str(root), data_prefix=dict(img_path='images'))


def test_skip_files(raw_folders):
    dataset = GTADataset(
        data_root=str(raw_folders.gta()), skip_files=['00002', '00003.png']
    )
    assert len(dataset) == 1


@pytest.mark.parametrize(
    ('indices', 'expected'),
    [(2, ['00001', '00002']), ([2, 0], ['00003', '00001'])],
)
def test_indices(raw_folders, indices, expected):
    dataset = GTADataset(data_root=str(raw_folders.gta()), indices=indices)
    stems = [
        dataset.get_data_info(i)['sample_stem'] for i in range(len(dataset))
    ]
    assert stems == expected


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('subset.json', '[2, 0]'),
        ('subset.json', '["00003", "00001.png"]'),
        ('subset.txt', '# few labels\n00003\n\n00001.png\n'),
    ],
)
def test_indices_from_a_file(raw_folders, tmp_path, name, text):
    root = raw_folders.gta()
    (tmp_path / name).write_text(text)
    (root / name).write_text(text)
    for path in (str(tmp_path / name), name):
        dataset = GTADataset(data_root=str(root), indices=path)
        stems = [dataset.get_data_info(i)['sample_stem'] for i in range(2)]
        assert stems == ['00003', '00001']
        assert len(dataset) == 2


def test_translated_images_have_to_be_complete(raw_folders, tmp_path):
    """CycleGAN copies: images from one folder, labels from another."""
    root = raw_folders.gta()
    copies = tmp_path / 'translated'
    (root / 'images').rename(copies)
    options = dict(
        data_prefix=dict(
            img_path=str(copies), seg_map_path=str(root / 'labels')
        ),
        every_label=True,
        pipeline=PIPELINE,
    )
    assert len(GTADataset(**options)) == 3
    (copies / '00002.png').unlink()
    message = r'1 of 3 labels have no image .*translated/00002\.png'
    with pytest.raises(FileNotFoundError, match=message):
        GTADataset(**options)
    assert len(GTADataset(**{**options, 'every_label': False})) == 2
