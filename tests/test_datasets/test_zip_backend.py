# SPDX-License-Identifier: Apache-2.0
import os
import pickle
import zipfile
from pathlib import Path
from unittest import mock

import contract
import numpy as np
import pytest
import torch
from mmengine import fileio
from mmengine.config import Config
from mmseg.registry import DATASETS
from torch.utils.data import DataLoader

from mmseg_da.datasets import zip_files
from mmseg_da.datasets.cityscapes import CityscapesRawDataset
from mmseg_da.datasets.gta import GTADataset
from mmseg_da.datasets.image_files import png_size, read_file
from mmseg_da.datasets.zip_backend import ZipBackend

PIPELINE = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]


def pack(folder: Path, archive: Path, top: str, method=zipfile.ZIP_DEFLATED):
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, 'w', method) as file:
        for path in sorted(folder.rglob('*')):
            file.write(path, f'{top}/{path.relative_to(folder)}')
    return archive


@pytest.fixture
def zipped(raw_folders, tmp_path):
    """Cityscapes unpacked, and in the two archives of the download."""
    plain = raw_folders.cityscapes()
    root = tmp_path / 'archives'
    for package in ('leftImg8bit', 'gtFine'):
        archive = root / f'{package}_trainvaltest.zip'
        pack(plain / package, archive, package)
    return plain, root


def same_samples(one, other):
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        assert a['sample_stem'] == b['sample_stem']
        assert np.array_equal(a['img'], b['img'])
        assert np.array_equal(a['gt_seg_map'], b['gt_seg_map'])


def test_archives_as_downloaded(zipped):
    plain, root = zipped
    dataset = CityscapesRawDataset(data_root=str(root), pipeline=PIPELINE)
    assert dataset.layout == 'zip archives'
    unpacked = CityscapesRawDataset(data_root=str(plain), pipeline=PIPELINE)
    same_samples(dataset, unpacked)


def test_root_inside_an_archive(zipped, tmp_path):
    plain, _ = zipped
    archive = pack(plain, tmp_path / 'all.zip', 'data', zipfile.ZIP_STORED)
    dataset = CityscapesRawDataset(
        data_root=f'{archive}/data', pipeline=PIPELINE
    )
    assert dataset.layout == 'plain layout'
    unpacked = CityscapesRawDataset(data_root=str(plain), pipeline=PIPELINE)
    same_samples(dataset, unpacked)


def test_images_zipped_labels_unpacked(zipped):
    plain, root = zipped
    (root / 'gtFine_trainvaltest.zip').unlink()
    os.rename(plain / 'gtFine', root / 'gtFine')
    dataset = CityscapesRawDataset(data_root=str(root), pipeline=PIPELINE)
    assert (dataset.layout, dataset.label_layout) == (
        'zip archives',
        'plain layout',
    )
    assert dataset[0]['gt_seg_map'].shape == dataset[0]['img'].shape[:2]


def test_download_in_several_archives(raw_folders, tmp_path):
    plain = raw_folders.gta(4)
    root = tmp_path / 'parts'
    for part, names in (
        ('01', ('00001', '00003')),
        ('02', ('00002', '00004')),
    ):
        for kind in ('images', 'labels'):
            with zipfile.ZipFile(tmp_path / 'x.zip', 'w') as file:
                for name in names:
                    member = f'{kind}/{name}.png'
                    file.write(plain / member, member)
            root.mkdir(exist_ok=True)
            os.replace(tmp_path / 'x.zip', root / f'{part}_{kind}.zip')
    dataset = GTADataset(data_root=str(root), pipeline=PIPELINE)
    same_samples(dataset, GTADataset(data_root=str(plain), pipeline=PIPELINE))
    path = f'{root}/*_images.zip/images/00002.png'
    assert png_size(path) == raw_folders.size


def test_backend_for_other_transforms(zipped):
    plain, root = zipped
    member = 'leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png'
    archive = root / 'leftImg8bit_trainvaltest.zip'
    expected = (plain / member).read_bytes()
    through = dict(backend='zip')
    assert fileio.get(f'{archive}/{member}', through) == expected
    inside = dict(backend='zip', archive=str(archive))
    assert fileio.get(member, inside) == expected
    assert fileio.exists(member, inside) and fileio.isfile(member, inside)
    assert fileio.isdir('leftImg8bit/train', inside)
    assert not fileio.exists('leftImg8bit/nothing', inside)
    assert fileio.get(str(plain / member), through) == expected
    with pytest.raises(ValueError, match=r'does not lead through a \.zip'):
        fileio.exists(member, through)


def test_urls_are_read_as_without_the_backend(monkeypatch):
    monkeypatch.setattr(fileio.HTTPBackend, 'get', lambda _, url: url)
    url = 'http://localhost/a.png'
    assert fileio.get(url, dict(backend='zip')) == url


@pytest.mark.parametrize('context', ['fork', 'spawn'])
def test_workers(zipped, context):
    _, root = zipped
    dataset = CityscapesRawDataset(
        data_root=str(root), pipeline=PIPELINE, test_mode=True
    )
    here = [sample['img'] for sample in dataset]
    loader = DataLoader(
        dataset,
        num_workers=2,
        batch_size=None,
        multiprocessing_context=context,
        collate_fn=_image,
    )
    there = list(loader)
    assert all(map(np.array_equal, here, map(np.asarray, there)))


def _image(sample):
    return torch.from_numpy(sample['img'])


def test_forked_process_opens_its_own_file(zipped, monkeypatch):
    _, root = zipped
    archive = str(root / 'leftImg8bit_trainvaltest.zip')
    first = zip_files._OPEN.get(archive)
    assert zip_files._OPEN.get(archive) is first
    pid = os.getpid()
    monkeypatch.setattr(os, 'getpid', lambda: pid + 1)
    assert zip_files._OPEN.get(archive) is not first
    assert pickle.loads(pickle.dumps(ZipBackend(archive))).isdir('')


def test_replaced_archive_is_listed_again(tmp_path):
    archive = tmp_path / 'a.zip'
    for name in ('one', 'other_name'):
        with zipfile.ZipFile(archive, 'w') as file:
            file.writestr(f'x/{name}.png', name)
        assert zip_files.list_folder(str(archive), 'x') == [f'{name}.png']


def damage(archive, member):
    """Change one byte of a member's data; its checksum is then wrong."""
    with zipfile.ZipFile(archive) as file:
        info = file.getinfo(member)
    data = bytearray(archive.read_bytes())
    start = info.header_offset + 30 + len(member)
    data[start + info.compress_size // 2] ^= 255
    archive.write_bytes(data)


@pytest.mark.parametrize('method', [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damaged_member(raw_folders, tmp_path, method):
    plain = raw_folders.gta(2)
    archive = pack(plain / 'images', tmp_path / 'g.zip', 'images', method)
    damage(archive, 'images/00002.png')
    dataset = GTADataset(
        data_root=str(archive), labeled=False, pipeline=PIPELINE[:1]
    )
    assert dataset[0]['img'].shape[:2] == raw_folders.size
    with pytest.raises(
        ValueError,
        match=r'g\.zip: the member images/00002\.png cannot be read.*unzip -t',
    ):
        dataset[1]


def test_wrong_archive(zipped, tmp_path):
    _, root = zipped
    os.replace(
        root / 'gtFine_trainvaltest.zip',
        root / 'leftImg8bit_trainvaltest.zip',
    )
    with pytest.raises(
        FileNotFoundError, match=r'trainvaltest\.zip holds: gtFine\.'
    ):
        CityscapesRawDataset(
            data_root=f'{root}/leftImg8bit_trainvaltest.zip', labeled=False
        )


def test_incomplete_archive(zipped):
    _, root = zipped
    archive = root / 'leftImg8bit_trainvaltest.zip'
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(ValueError, match='no readable zip archive.*complete'):
        CityscapesRawDataset(data_root=str(root))
    archive.write_bytes(b'')
    with pytest.raises(ValueError, match=r'no readable zip archive.*0 bytes'):
        CityscapesRawDataset(data_root=str(root))


def test_missing_archive_and_member(zipped):
    _, root = zipped
    archive = f'{root}/leftImg8bit_trainvaltest.zip'
    with pytest.raises(
        FileNotFoundError, match=r'not exist. Archives in.*gtF'
    ):
        read_file(f'{root}/leftImg8bits.zip/a.png')
    with pytest.raises(FileNotFoundError, match=r'Nearest: leftImg8bit/.*ulm'):
        read_file(
            f'{archive}/leftImg8bit/train/ulm/ulm_000000_000018_leftImg8bit.png'
        )


def test_empty_member(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as file:
        file.writestr('x.png', b'')
    with pytest.raises(ValueError, match=r'a\.zip/x\.png: the file is empty'):
        read_file(f'{tmp_path}/a.zip/x.png')


def test_encrypted_member(tmp_path):
    archive = tmp_path / 'a.zip'
    with zipfile.ZipFile(archive, 'w') as file:
        file.writestr('x.png', b'secret')
    data = bytearray(archive.read_bytes())
    # The "encrypted" flag of the local and of the central header.
    data[6] |= 1
    data[data.index(b'PK\x01\x02') + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(ValueError, match='x.png is encrypted or packed'):
        read_file(f'{archive}/x.png')


def test_folder_with_an_archives_name(tmp_path):
    folder = tmp_path / 'unpacked.zip'
    folder.mkdir()
    (folder / 'a.png').write_bytes(b'x')
    assert zip_files.split_zip_path(folder / 'a.png') is None
    assert read_file(str(folder / 'a.png')) == b'x'


def test_the_configs_validate_on_archives(street_world, tmp_path):
    """CITYSCAPES_ROOT may hold the two downloads as they are."""
    packages = {
        'leftImg8bit_trainvaltest.zip': 'leftImg8bit',
        'gtFine_trainvaltest.zip': 'gtFine',
    }
    for name, folder in packages.items():
        with zipfile.ZipFile(tmp_path / name, 'w') as archive:
            root = street_world / 'cityscapes'
            for file in sorted((root / folder).rglob('*.png')):
                archive.write(file, file.relative_to(root))
    roots = {'CITYSCAPES_ROOT': str(tmp_path)}
    with mock.patch.dict(os.environ, roots):
        path = contract.REPO / 'configs/methods/oracle_cs.py'
        cfg = Config.fromfile(path)
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    sample = dataset[0]
    assert sample['inputs'].shape == (3, 512, 1024)
    assert sample['data_samples'].gt_sem_seg.data.shape == (1, 64, 128)
