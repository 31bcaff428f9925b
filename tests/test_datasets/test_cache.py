# SPDX-License-Identifier: Apache-2.0
import copy
import json
import os
import pickle
import shutil

import cv2
import numpy as np
import pytest

from mmseg_da.datasets import cache_builder
from mmseg_da.datasets.cityscapes import CityscapesRawDataset
from mmseg_da.datasets.gta import GTADataset

LOAD = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]
SCALE = (10, 6)


def gta(root, cache_root=None, pipeline=LOAD, build=True, **options):
    cache = options.pop('cache', {})
    if cache_root is not None:
        cache = dict(dir=str(cache_root), scale=SCALE, build=build, **cache)
    return GTADataset(
        data_root=str(root), pipeline=pipeline, cache=cache or None, **options
    )


@pytest.fixture
def root(raw_folders):
    return raw_folders.gta(5)


@pytest.mark.parametrize(
    ('backend', 'interpolation'),
    [('cv2', 'bilinear'), ('pillow', 'bicubic'), ('cv2', 'area')],
)
def test_equals_loading_and_resizing(root, tmp_path, backend, interpolation):
    way = dict(backend=backend, interpolation=interpolation)
    cached = gta(root, tmp_path / 'c', cache=way)
    resize = dict(type='Resize', scale=SCALE, keep_ratio=False, **way)
    plain = gta(root, pipeline=[*LOAD, resize])
    for one, other in zip(cached, plain, strict=True):
        assert np.array_equal(one['img'], other['img'])
        assert np.array_equal(one['gt_seg_map'], other['gt_seg_map'])
        assert one['ori_shape'] == one['img_shape'] == SCALE[::-1]
        assert one['img_path'] == other['img_path']


def test_files_are_not_decoded_again(root, tmp_path, monkeypatch):
    gta(root, tmp_path / 'c')
    before = gta(root)[2]['img'].shape
    from mmseg_da.datasets.transforms import loading

    monkeypatch.setattr(loading, 'read_file', None)
    sample = gta(root, tmp_path / 'c', build=False)[2]
    assert sample['img'].shape == (*SCALE[::-1], 3) != before
    # The cache is read-only, samples are copies.
    sample['img'][:] = 0
    assert gta(root, tmp_path / 'c', build=False)[2]['img'].any()


def test_subset_shares_the_cache(root, tmp_path):
    whole = gta(root, tmp_path / 'c')
    some = gta(root, tmp_path / 'c', build=False, indices=[3, 1])
    assert np.array_equal(some[0]['img'], whole[3]['img'])
    assert len(list((tmp_path / 'c').glob('*/manifest.json'))) == 1


def test_cache_is_never_copied(root, tmp_path):
    dataset = gta(root, tmp_path / 'c')
    sample = dataset[0]
    assert copy.deepcopy(sample)['cached_sample'].cache is dataset.cache
    assert len(pickle.dumps(dataset.cache)) < 1000
    again = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(again[1]['img'], dataset[1]['img'])


def test_settings_have_caches_of_their_own(root, tmp_path, raw_folders):
    cache_root = tmp_path / 'c'
    gta(root, cache_root)
    gta(root, cache_root, cache=dict(interpolation='area'))
    gta(root, cache_root, class_view='cityscapes16')
    gta(root, cache_root, labeled=False, pipeline=LOAD[:1])
    CityscapesRawDataset(
        data_root=str(raw_folders.cityscapes()),
        cache=dict(dir=str(cache_root), scale=SCALE, build=True),
    )
    assert len(list(cache_root.glob('*/manifest.json'))) == 5
    assert len(list(cache_root.glob('cs-train-*'))) == 1


def test_not_made(root, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'holds no cache.*\n.*make_ca'
    ):
        gta(root, tmp_path / 'c', build=False)
    gta(root, tmp_path / 'c')
    with pytest.raises(FileNotFoundError, match=r"other settings.*\['gta-"):
        gta(root, tmp_path / 'c', build=False, class_view='cityscapes16')


def test_stale_when_a_file_changed(root, tmp_path):
    gta(root, tmp_path / 'c')
    path = root / 'labels/00004.png'
    os.utime(path, (1, 1))
    with pytest.raises(ValueError, match=r'stale cache, the files of 00004'):
        gta(root, tmp_path / 'c')


def test_stale_when_images_came(root, tmp_path):
    gta(root, tmp_path / 'c')
    for kind in ('images', 'labels'):
        shutil.copy(root / kind / '00001.png', root / kind / '00009.png')
    with pytest.raises(ValueError, match=r"1 of 6 images are not.*'00009'"):
        gta(root, tmp_path / 'c')


def test_interrupted_and_resumed(root, tmp_path, monkeypatch):
    calls = []

    def decode(settings, decoder, row):
        calls.append(row.name)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(settings, decoder, row)

    original = cache_builder._decode
    monkeypatch.setattr(cache_builder, '_decode', decode)
    monkeypatch.setattr(cache_builder, '_SAVE_EVERY', 1)
    with pytest.raises(KeyboardInterrupt):
        gta(root, tmp_path / 'c')
    assert not list((tmp_path / 'c').glob('*/manifest.json'))
    with pytest.raises(FileNotFoundError, match='has not been made'):
        gta(root, tmp_path / 'c', build=False)
    monkeypatch.setattr(cache_builder, '_CHECKED_ROWS', 1)
    resumed = gta(root, tmp_path / 'c')
    # The last two rows, then the comparison of the first.
    assert calls[4:] == ['00004', '00005', '00001']
    fresh = gta(root, tmp_path / 'other')
    for name in ('images', 'labels'):
        assert np.array_equal(
            resumed.cache.array(name), fresh.cache.array(name)
        )
    assert not list((tmp_path / 'c').glob('.*partial'))


def test_unfinished_of_other_files_starts_again(root, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_builder, '_verify', _stop)
    with pytest.raises(KeyboardInterrupt):
        gta(root, tmp_path / 'c')
    monkeypatch.undo()
    image = np.full((*cv2.imread(str(root / 'images/00001.png')).shape,), 9)
    cv2.imwrite(str(root / 'images/00001.png'), image.astype(np.uint8))
    assert (gta(root, tmp_path / 'c')[0]['img'] == 9).all()


def _stop(*_):
    raise KeyboardInterrupt


def test_damaged_files_are_named(root, tmp_path):
    path = root / 'images/00003.png'
    content = path.read_bytes()
    path.write_bytes(content[:-30])
    with pytest.raises(
        ValueError, match=r'1 of 5 samples cannot.*\n.*00003\.png: truncated'
    ):
        gta(root, tmp_path / 'c')
    path.write_bytes(content)
    assert len(gta(root, tmp_path / 'c')) == 5


def test_sizes_that_differ(root, tmp_path, raw_folders):
    raw_folders.palette(root / 'labels/00002.png', np.zeros((5, 5)))
    with pytest.raises(ValueError, match=r'00002\.png: label size \(5, 5\).*'):
        gta(root, tmp_path / 'c')


def test_too_little_space(root, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage)
    with pytest.raises(OSError, match=r'cache.dir=.*GiB are free. Choose'):
        gta(root, tmp_path / 'c')
    assert not list((tmp_path / 'c').glob('.*partial'))


@pytest.mark.parametrize(
    ('cache', 'message'),
    [
        (dict(dir='x'), r"missing keys \['scale'\]"),
        (dict(dir='x', scale=SCALE, size=3), r"unknown keys \['size'\]"),
        (dict(dir='x', scale=512), r'cache.scale=512: give \(width, height'),
        (dict(dir='x', scale=(0, 5)), r'cache.scale=\(0, 5\)'),
        (dict(dir='x', scale=(5, 5), backend='gpu'), "backend='gpu' is unk"),
        (
            dict(dir='x', scale=(5, 5), interpolation='cubic'),
            r"interpolation='cubic' is unknown to backend 'cv2'",
        ),
    ],
)
def test_bad_settings(root, cache, message):
    with pytest.raises(ValueError, match=message):
        gta(root, cache=cache)


def test_cache_of_an_archive(root, tmp_path):
    archive = shutil.make_archive(str(tmp_path / 'gta'), 'zip', root)
    dataset = gta(archive, tmp_path / 'c')
    assert len(dataset) == 5
    manifest = dataset.cache.folder / 'manifest.json'
    stamps = json.loads(manifest.read_text())['files']
    assert list(stamps) == [f'0000{i}' for i in range(1, 6)]
