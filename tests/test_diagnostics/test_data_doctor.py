# SPDX-License-Identifier: Apache-2.0
"""Planted faults: the doctor and the loader name file, value and mend."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS
from PIL import Image

PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]
FINE = 'cityscapes/gtFine'
FAULT = (ValueError, FileNotFoundError)


def gta(root, **arguments):
    return dict(type='GTADataset', data_root=f'{root}/gta', **arguments)


def cityscapes(root, **arguments):
    root = f'{root}/cityscapes'
    return dict(type='CityscapesRawDataset', data_root=root, **arguments)


def sequence(root, **arguments):
    root = f'{root}/cityscapes'
    return dict(type='CityscapesSequenceDataset', data_root=root, **arguments)


def gta_sequence(root, **arguments):
    root = f'{root}/gta_seq'
    return dict(type='GTASequenceDataset', data_root=root, **arguments)


def synthia(root, **arguments):
    return dict(
        type='SynthiaDataset', data_root=f'{root}/synthia', **arguments
    )


def parsed(root, **arguments):
    root = f'{root}/synthia'
    return dict(type='SynthiaParsedDataset', data_root=root, **arguments)


def synscapes(root, **arguments):
    root = f'{root}/synscapes'
    return dict(type='SynscapesDataset', data_root=root, **arguments)


def mapillary(root, **arguments):
    root = f'{root}/mapillary'
    return dict(type='MapillaryRawDataset', data_root=root, **arguments)


def camvid(root, **arguments):
    return dict(type='CamVidDataset', data_root=f'{root}/camvid', **arguments)


def first(root: Path, pattern: str) -> Path:
    return min(root.glob(pattern))


def set_pixel(pattern: str, value: int) -> Callable[[Path], None]:
    """Plant one id; keeps palette and bit depth."""

    def plant(root: Path) -> None:
        path = first(root, pattern)
        image = Image.open(path)
        array = np.array(image)
        array[5, 7] = value
        changed = Image.fromarray(array)
        if image.mode == 'P':
            changed = Image.fromarray(array, mode='P')
            changed.putpalette(image.getpalette())
        changed.save(path)

    return plant


def set_pixel16(root: Path) -> None:
    path = first(root, 'synthia/GT/LABELS/*.png')
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    image[3, 3, 2] = 23
    cv2.imwrite(str(path), image)


def as_rgb(pattern: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        path = first(root, pattern)
        Image.open(path).convert('RGB').save(path)

    return plant


def as_grey8(pattern: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        path = first(root, pattern)
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), (image >> 8).astype(np.uint8))

    return plant


def cut(pattern: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        path = first(root, pattern)
        path.write_bytes(path.read_bytes()[:-30])

    return plant


def delete(pattern: str) -> Callable[[Path], None]:
    return lambda root: first(root, pattern).unlink()


def replace_folder(target: str, source: str) -> Callable[[Path], None]:
    """As if another archive had been unpacked there."""

    def plant(root: Path) -> None:
        shutil.rmtree(root / target)
        shutil.copytree(root / source, root / target)

    return plant


def empty(folder: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        shutil.rmtree(root / folder)
        (root / folder).mkdir()

    return plant


def remove(folder: str) -> Callable[[Path], None]:
    return lambda root: shutil.rmtree(root / folder)


def coarse_labels(root: Path) -> None:
    for path in (root / 'cityscapes/gtFine').rglob('*_gtFine_*'):
        path.rename(str(path).replace('_gtFine_', '_gtCoarse_'))


def shrink(pattern: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        path = first(root, pattern)
        image = Image.open(path)
        image.resize((90, 40)).save(path)

    return plant


def unpack_twice(root: Path) -> None:
    for kind in ('images', 'labels'):
        folder = root / 'gta' / kind
        shutil.copytree(folder, root / 'again')
        (root / 'again').rename(folder / kind)


def break_camera(root: Path) -> None:
    path = first(root, 'cityscapes/camera/train/*/*.json')
    content = json.loads(path.read_text())
    content['extrinsic']['baseline'] = 0
    path.write_text(json.dumps(content))


def convert(last: int) -> Callable[[Path], None]:
    """Write train ids 0..last beside the raw labels, without 255."""

    def plant(root: Path) -> None:
        for path in (root / 'cityscapes/gtFine').rglob('*_labelIds.png'):
            ids = np.array(Image.open(path)) % (last + 1)
            name = path.name.replace('labelIds', 'labelTrainIds')
            Image.fromarray(ids).save(path.with_name(name))

    return plant


class Fault(NamedTuple):
    """A planted fault.

    Attributes:
        name: For the test's id.
        plant: Breaks the folder.
        dataset: Config of the data set that reads it.
        texts: What both messages have to hold.
        arguments: Of the data set.
    """

    name: str
    plant: Callable[[Path], None]
    dataset: Callable[..., dict]
    texts: tuple[str, ...]
    arguments: dict = {}


IDS = [
    Fault(
        f'{name} id {value}',
        set_pixel(pattern, value),
        dataset,
        (f'{value} (1 px)', 'defined ids: 0..', 'right label folder'),
    )
    for name, dataset, pattern, value in (
        ('gta', gta, 'gta/labels/*.png', 35),
        ('gta ignore', gta, 'gta/labels/*.png', 255),
        (
            'cityscapes',
            cityscapes,
            'cityscapes/gtFine/train/*/*_labelIds.png',
            34,
        ),
        ('synscapes', synscapes, 'synscapes/img/class/*.png', 34),
        ('parsed synthia', parsed, 'synthia/parsed_LABELS/*.png', 23),
        ('mapillary', mapillary, 'mapillary/training/labels/*.png', 66),
        ('camvid', camvid, 'camvid/trainannot/*.png', 12),
    )
]
TRUNCATED = [
    Fault(
        f'truncated {pattern}',
        cut(pattern),
        dataset,
        ('truncated or damaged image', 'download this file again'),
    )
    for dataset, pattern in (
        (gta, 'gta/images/*.png'),
        (gta, 'gta/labels/*.png'),
        (synthia, 'synthia/GT/LABELS/*.png'),
        (mapillary, 'mapillary/training/images/*.jpg'),
        (gta_sequence, 'gta_seq/train/img/*/*.jpg'),
    )
]
FAULTS = [
    *IDS,
    *TRUNCATED,
    Fault(
        'synthia id 23',
        set_pixel16,
        synthia,
        ('GT/LABELS/', '23 (1 px)', 'defined ids: 0..22'),
    ),
    Fault(
        'images in the label folder',
        replace_folder('gta/labels', 'gta/images'),
        gta,
        ('gta/labels/', 'is 8-bit RGB, but raw gta labels', 'label archives'),
    ),
    Fault(
        'labels in the image folder',
        replace_folder('gta/images', 'gta/labels'),
        gta,
        ('gta/images/', 'is 8-bit palette', 'a label archive unpacked'),
    ),
    Fault(
        'palette label saved as colours',
        as_rgb('gta/labels/*.png'),
        gta,
        ('gta/labels/', 'is 8-bit RGB', 'a colour rendering'),
    ),
    Fault(
        'coarse archive',
        coarse_labels,
        cityscapes,
        ("no labels ending in '_gtFine_labelIds.png'", 'Set seg_map_suffix'),
    ),
    Fault(
        'synthia labels of 8 bit',
        replace_folder('synthia/GT/LABELS', 'synthia/parsed_LABELS'),
        synthia,
        ('is 8-bit grey', '16-bit RGB', 'SynthiaParsedDataset'),
    ),
    Fault(
        'synthia labels saved by Pillow',
        as_rgb('synthia/GT/LABELS/*.png'),
        synthia,
        ('is 8-bit RGB', 'are 16-bit RGB', 'a colour rendering'),
    ),
    Fault(
        'synthia depth as labels',
        replace_folder('synthia/GT/LABELS', 'synthia/Depth/Depth'),
        synthia,
        ('is 16-bit grey', 'an instance or depth file'),
    ),
    Fault(
        '16-bit labels read as parsed ones',
        replace_folder('synthia/parsed_LABELS', 'synthia/GT/LABELS'),
        parsed,
        ('is 16-bit RGB', '8-bit palette or grey', 'SynthiaDataset'),
    ),
    Fault(
        'image without label',
        delete('gta/labels/*.png'),
        gta,
        ('1 of 4 images have no label file', '00001.png', 'labeled=False'),
    ),
    Fault(
        'archive unpacked twice',
        unpack_twice,
        gta,
        ('4 images lie in two folders', '00001 and images/00001', 'Delete'),
    ),
    Fault(
        'empty split',
        empty('cityscapes/leftImg8bit/val'),
        cityscapes,
        ('leftImg8bit/val', 'it is empty', 'Expected below data_root'),
        dict(split='val'),
    ),
    Fault(
        'no labels at all',
        remove('cityscapes/gtFine'),
        cityscapes,
        ('gtFine/train', 'does not exist', 'zip-name layout'),
    ),
    Fault(
        'image and label of different size',
        shrink('gta/images/*.png'),
        gta,
        ('label size 96x', 'differs from the size 90x40 of its image'),
    ),
    Fault(
        'train ids above 18',
        convert(19),
        cityscapes,
        ('19 (', 'defined ids: 0..18, 255', "label_format='raw'"),
        dict(label_format='train_ids'),
    ),
    Fault(
        'no disparity',
        remove('cityscapes/disparity'),
        sequence,
        ('no disparity folder', 'disparity_trainvaltest', 'leave disparity'),
        dict(disparity=True),
    ),
    Fault(
        'one camera file missing',
        delete('cityscapes/camera/train/*/*.json'),
        sequence,
        ('1 of 4 images have no camera file', 'camera=False'),
        dict(camera=True),
    ),
]


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_planted_fault(fault, world, doctor):
    fault.plant(world)
    config = fault.dataset(world, **fault.arguments)
    failed = [c for c in doctor(config) if c.status == 'fail']
    assert failed
    for text in fault.texts:
        assert text in failed[0].value, failed[0]
    assert all(check.advice for check in failed)
    assert all(str(world) in check.value for check in failed)
    assert len(failed[0].value.splitlines()) <= 15
    with pytest.raises(FAULT) as caught:
        read_all(config)
    for text in fault.texts:
        assert text in str(caught.value)


def read_all(config: dict) -> None:
    """Load everything the way training does."""
    pipeline = PIPELINE
    if 'Sequence' in config['type']:
        pipeline = [PIPELINE[0], dict(type='LoadNeighbourFrames')]
    dataset = DATASETS.build({**config, 'pipeline': pipeline})
    for index in range(len(dataset)):
        dataset[index]


@pytest.mark.parametrize(
    ('plant', 'config', 'texts'),
    [
        (
            as_grey8('cityscapes/disparity/train/*/*.png'),
            lambda root: sequence(root, disparity=True),
            ('_disparity.png', 'is 8-bit grey, expected 16-bit'),
        ),
        (
            as_grey8('synthia/Depth/Depth/*.png'),
            lambda root: synthia(root, depth=True),
            ('Depth/Depth/', 'is 8-bit grey, expected 16-bit'),
        ),
        (
            break_camera,
            lambda root: sequence(root, camera=True),
            ('_camera.json', 'baseline', 'positive'),
        ),
        (
            cut('cityscapes/leftImg8bit_sequence/train/*/*.png'),
            sequence,
            ('leftImg8bit_sequence', 'truncated'),
        ),
        (
            shrink('gta/labels/*.png'),
            gta,
            ('label size 90x40 differs from the size 96x',),
        ),
        (
            shrink('cityscapes/disparity/train/*/*.png'),
            lambda root: sequence(root, disparity=True),
            ('_disparity.png: size 90x40', 'differs from the size 96x48'),
        ),
        (
            shrink('synthia/Depth/Depth/*.png'),
            lambda root: synthia(root, depth=True),
            ('Depth/Depth/', 'size 90x40 differs from the size 96x48'),
        ),
        (
            shrink('gta_seq/train/img/*/*.jpg'),
            gta_sequence,
            ('gta_seq/train/img', 'size 90x40'),
        ),
        (
            replace_folder('synscapes/img/rgb', 'synscapes/img/class'),
            synscapes,
            ('synscapes/img/rgb holds images of 8-bit grey', 'labels'),
        ),
    ],
    ids=[
        'disparity',
        'depth',
        'camera',
        'neighbour',
        'label size',
        'disparity size',
        'depth size',
        'neighbour size',
        'grey labels as images',
    ],
)
def test_faults_of_other_files(plant, config, texts, world, doctor):
    plant(world)
    failed = [c for c in doctor(config(world)) if c.status == 'fail']
    assert len(failed) == 1
    for text in (*texts, str(world)):
        assert text in failed[0].value
    assert failed[0].advice


def test_16_bit_labels_as_images(world, doctor):
    replace_folder('synthia/RGB', 'synthia/GT/LABELS')(world)
    failed = [c for c in doctor(synthia(world)) if c.status == 'fail']
    assert failed
    for check in failed:
        assert f'{world}/synthia/RGB/' in check.value
        assert 'is 16-bit RGB' in check.value
        assert 'looks like SYNTHIA labels' in check.value


def test_train_ids_in_raw_files(world, doctor):
    """da-sac's converter keeps the raw name: only the values tell."""
    convert(18)(world)
    for path in (world / 'cityscapes/gtFine').rglob('*_labelTrainIds.png'):
        name = path.name.replace('labelTrainIds', 'labelIds')
        path.replace(path.with_name(name))
    (check,) = [c for c in doctor(cityscapes(world)) if c.status == 'fail']
    assert 'these look like train ids' in check.value
    assert "label_format='train_ids'" in check.advice


def test_nothing_but_ignored_pixels(world, doctor):
    for path in (world / 'gta/labels').iterdir():
        image = Image.open(path)
        image.point([0] * 256).save(path)
    (check,) = [c for c in doctor(gta(world)) if c.status == 'fail']
    assert 'no file has a class of the view' in check.value


@pytest.mark.parametrize(
    ('plant', 'row', 'texts'),
    [
        (
            delete('gta/images/*.png'),
            'pairs',
            ("['00001.png']", 'unpack the missing image archives'),
        ),
        (
            delete('gta/images/*.png'),
            'count',
            ('3 images found', 'has 4', 'StreetWorld'),
        ),
        (
            lambda root: shutil.copy(
                first(root, 'gta/images/*.png'), root / 'gta/images/00001.jpg'
            ),
            'duplicates',
            ('00001.jpg', 'only *.png is read', 'delete one kind'),
        ),
    ],
    ids=['label without image', 'count', 'second suffix'],
)
def test_warnings(plant, row, texts, world, doctor):
    plant(world)
    checks = doctor(gta(world))
    assert not [c for c in checks if c.status == 'fail']
    (check,) = [c for c in checks if c.name == f'train[0]: {row}']
    assert check.status == 'warn'
    for text in texts:
        assert text in f'{check.value} {check.advice}'


def test_the_loader_logs_labels_without_image(world, monkeypatch):
    logged = []
    monkeypatch.setattr(
        'mmseg_da.datasets.name_checks.print_log',
        lambda text, *_, **__: logged.append(text),
    )
    delete('gta/images/*.png')(world)
    DATASETS.build(gta(world))
    assert '1 label files' in logged[0] and "['00001.png']" in logged[0]


def test_converted_files_beside_the_originals_are_no_surplus(world, doctor):
    for path in list((world / 'gta/labels').iterdir()):
        shutil.copy(path, path.with_name(f'{path.stem}_labelTrainIds.png'))
    assert {c.status for c in doctor(gta(world))} == {'ok'}


def test_counts_of_the_real_releases(world, doctor):
    """Without StreetWorld's manifest the folders pass for downloads."""
    (world / 'manifest.json').unlink()
    cases = (
        (gta, {}, '4 images found, the complete release has 24966'),
        (synthia, {}, 'has 9400'),
        (synscapes, {}, 'has 25000'),
        (
            cityscapes,
            {},
            '4 train images found, the complete',
        ),
        (cityscapes, dict(split='val'), '2 val images found, the'),
        (cityscapes, {}, 'release has 2975'),
        (cityscapes, dict(split='test'), 'has 1525'),
        (mapillary, {}, 'has 18000'),
        (mapillary, dict(split='val'), 'has 2000'),
        (camvid, {}, 'has 367'),
        (camvid, dict(split='val'), 'has 101'),
        (camvid, dict(split='test'), 'has 233'),
    )
    for dataset, arguments, text in cases:
        checks = doctor(dataset(world, **arguments))
        (check,) = [c for c in checks if c.name.endswith(': count')]
        assert check.status == 'warn'
        assert text in check.value


def test_sizes_of_the_real_releases(world, doctor):
    (world / 'manifest.json').unlink()
    checks = doctor(cityscapes(world, split='val'))
    (check,) = [c for c in checks if c.name.endswith(': sizes')]
    assert '2 of 2 images read are not 2048x1024' in check.value
    assert '96x48 (2)' in check.value
    assert not [c for c in doctor(gta(world)) if c.name.endswith(': sizes')]


def test_layouts_are_named(world, doctor):
    root = world / 'cityscapes'
    checks = doctor(cityscapes(world))
    assert 'plain layout, 4 images in' in checks[0].value
    for name in ('leftImg8bit', 'gtFine'):
        (root / f'{name}_trainvaltest').mkdir()
        (root / name).rename(root / f'{name}_trainvaltest/{name}')
    checks = doctor(cityscapes(world))
    assert {c.status for c in checks} == {'ok'}
    assert 'zip-name layout, 4 images in' in checks[0].value
    shutil.move(root / 'gtFine_trainvaltest/gtFine', root / 'gtFine')
    assert 'labels: plain layout' in doctor(cityscapes(world))[0].value


def pack(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, 'w', zipfile.ZIP_STORED) as file:
        for path in sorted(folder.rglob('*.png')):
            file.write(path, path.relative_to(folder.parent))


@pytest.fixture
def zips(world):
    """Cityscapes as it is downloaded."""
    root = world / 'cityscapes'
    for name in ('leftImg8bit', 'gtFine'):
        pack(root / name, root / f'{name}_trainvaltest.zip')
        shutil.rmtree(root / name)
    return root


def test_clean_archives(zips, doctor):
    checks = doctor(cityscapes(zips.parent))
    assert {c.status for c in checks} == {'ok'}
    assert 'zip archives, 4 images in' in checks[0].value


def test_damaged_member_of_an_archive(zips, doctor):
    path = zips / 'leftImg8bit_trainvaltest.zip'
    with zipfile.ZipFile(path) as file:
        train = (x for x in file.infolist() if '/train/' in x.filename)
        member = next(train)
    content = bytearray(path.read_bytes())
    # Behind the header of 30 bytes, the name and some of the image.
    content[member.header_offset + 30 + len(member.filename) + 200] ^= 1
    path.write_bytes(content)
    (check,) = [c for c in doctor(cityscapes(zips.parent)) if c.status != 'ok']
    assert check.status == 'fail' and check.advice
    for text in (str(path), member.filename, 'CRC', 'download it again'):
        assert text in check.value


def test_archive_that_was_cut(zips, doctor):
    path = zips / 'gtFine_trainvaltest.zip'
    path.write_bytes(path.read_bytes()[:-100])
    (check,) = [c for c in doctor(cityscapes(zips.parent)) if c.status != 'ok']
    assert check.status == 'fail' and check.advice
    assert f'{path}: no readable zip archive' in check.value
    assert 'Download it again' in check.value


def test_odd_sizes_of_gta_are_listed(clean_world, doctor):
    (check,) = [
        c for c in doctor(gta(clean_world)) if c.name.endswith(': images')
    ]
    assert check.status == 'ok'
    assert '96x48 (3), 96x46 (1)' in check.value


def test_depth_and_camera_rows(clean_world, doctor):
    checks = doctor(
        sequence(clean_world, disparity=True, camera=True),
        synthia(clean_world, depth=True),
    )
    values = {check.name: check.value for check in checks}
    assert values['train[0]: disparity'] == '4 of 4 files read are good'
    assert values['train[0]: camera'] == '4 of 4 files read are good'
    assert values['train[0]: frame'] == '8 of 8 files read are good'
    assert values['train[1]: depth'] == '4 of 4 files read are good'
    assert '16-bit RGB' in values['train[1]: labels']


def test_unfinished_world(world, doctor):
    path = world / 'manifest.json'
    path.write_text(path.read_text().replace('true', 'false'))
    (check,) = [c for c in doctor(gta(world)) if c.status == 'fail']
    assert 'is unfinished' in check.value
    path.write_text(
        path.read_text()
        .replace('false', 'true')
        .replace('"version": ', '"version": 9')
    )
    (check,) = [c for c in doctor(gta(world)) if c.status == 'fail']
    assert 'generator 9' in check.value


def test_many_faults_are_summed_up(world, doctor):
    root = world / 'synthia/GT/LABELS'
    shutil.rmtree(root)
    shutil.copytree(world / 'synthia/parsed_LABELS', root)
    for folder in ('RGB', 'GT/LABELS'):
        files = sorted((world / 'synthia' / folder).iterdir())
        for i, file in enumerate(files):
            shutil.copy(file, file.with_name(f'{1000 + i:07d}.png'))
    failed = [c for c in doctor(synthia(world)) if c.status == 'fail']
    assert len(failed) == 6
    assert failed[-1].value == 'and 3 more of 8 files read'


def test_palette_bytes_are_not_decoded_as_a_photograph():
    from mmseg_da.datasets.image_files import decode_bgr

    image = Image.new('P', (4, 4))
    image.putpalette([7] * 768)
    file = io.BytesIO()
    image.save(file, 'PNG')
    with pytest.raises(ValueError, match=r'x\.png: this PNG is 8-bit pal'):
        decode_bgr(file.getvalue(), 'x.png')
