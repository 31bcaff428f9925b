# SPDX-License-Identifier: Apache-2.0
"""Train-id files and smaller copies: exact, resumable, verified."""

import functools
import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_da.datasets import (
    CamVidDataset,
    CityscapesRawDataset,
    CustomRawDataset,
    GTADataset,
    MapillaryRawDataset,
    SynscapesDataset,
    SynthiaDataset,
    SynthiaParsedDataset,
)
from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.conversion.downsample import (
    downsample_dataset,
    downsample_folder,
)
from mmseg_da.datasets.conversion.parallel import run_jobs
from mmseg_da.datasets.conversion.resizing import nearest_indices
from mmseg_da.datasets.conversion.splits import write_split_lists
from mmseg_da.datasets.conversion.train_ids import convert_train_ids
from mmseg_da.datasets.street_world.formats import FORMATS
from mmseg_da.datasets.street_world.formats.raw_classes import RAW_ID_OF_LABEL
from mmseg_da.datasets.street_world.frame import LABELLED_TIME
from mmseg_da.datasets.street_world.generate import generate, street_settings
from mmseg_da.datasets.street_world.render import StreetRenderer
from mmseg_da.datasets.street_world.world import WorldSettings

SETTINGS = WorldSettings(size=(96, 48), train=2, val=1, test=1, train_ids=True)
# Format -> dataset, class view, label table of the expected train ids.
READERS = {
    'gta': (GTADataset, 'cityscapes19', None),
    'synscapes': (SynscapesDataset, 'cityscapes19', None),
    'cityscapes': (CityscapesRawDataset, 'cityscapes16', None),
    'synthia': (SynthiaDataset, 'cityscapes16', None),
    'mapillary': (MapillaryRawDataset, 'vistas7', 'mapillary_v1'),
    'camvid': (CamVidDataset, 'camvid11', None),
}


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp('world')
    generate(root, list(READERS), SETTINGS)
    return root


def truth(name, view, table):
    """Train ids of the training frames, from the renderer itself."""
    entry = FORMATS[name]
    renderer = StreetRenderer(street_settings(entry, SETTINGS))
    for sample in entry.samples(SETTINGS):
        if sample.split == 'train':
            frame = renderer.render(
                sample.index, LABELLED_TIME, with_flow=False
            )
            label = entry.view(sample, frame).label
            if table is None:
                expected = view.lut('cityscapes')[label]
            else:
                expected = view.lut(table)[RAW_ID_OF_LABEL[table][label]]
            yield entry.stem(sample), expected


def read(path):
    with Image.open(path) as image:
        assert image.mode == 'L'
        return np.array(image)


def snapshot(folder):
    return {x: x.stat().st_mtime_ns for x in folder.rglob('*.png')}


@pytest.mark.parametrize('name', READERS)
def test_train_ids_are_the_renderers(world, name, tmp_path):
    kind, view_name, table = READERS[name]
    view = get_class_view(view_name)
    dataset = kind(data_root=str(world / name), class_view=view_name)
    report = convert_train_ids(dataset, tmp_path, workers=1)
    assert (report.written, report.kept, report.problems) == (2, 0, [])
    folder = tmp_path / (dataset.split or '')
    total = 0
    for stem, expected in truth(name, view, table):
        found = read(folder / (stem + kind.TRAIN_ID_SUFFIX))
        np.testing.assert_array_equal(found, expected)
        total += np.bincount(found.ravel(), minlength=256)
    np.testing.assert_array_equal(report.totals, total[: view.num_classes])


def test_parsed_labels_give_the_same(world, tmp_path):
    root = str(world / 'synthia')
    for kind in (SynthiaDataset, SynthiaParsedDataset):
        convert_train_ids(kind(data_root=root), tmp_path / kind.__name__)
    a, b = (tmp_path / x for x in ('SynthiaDataset', 'SynthiaParsedDataset'))
    for path in b.glob('*.png'):
        other = a / f'{path.stem}_labelTrainIds.png'
        np.testing.assert_array_equal(read(path), read(other))


def test_street_worlds_own_train_ids_are_kept(world):
    """Files of unknown origin pass because every pixel agrees."""
    dataset = CityscapesRawDataset(data_root=str(world / 'cityscapes'))
    report = convert_train_ids(dataset)
    assert (report.written, report.kept, report.problems) == (0, 2, [])


@pytest.fixture
def gta(raw_folders):
    return GTADataset(data_root=str(raw_folders.gta(5)))


def test_converted_files_are_read_back_by_the_dataset(gta):
    assert convert_train_ids(gta).problems == []
    again = GTADataset(
        data_root=gta.data_root,
        label_format='train_ids',
        pipeline=[dict(type='LoadRawLabels')],
    )
    raw = GTADataset(
        data_root=gta.data_root, pipeline=[dict(type='LoadRawLabels')]
    )
    for a, b in zip(again, raw, strict=True):
        np.testing.assert_array_equal(a['gt_seg_map'], b['gt_seg_map'])
    assert len(raw) == 5


def test_interrupted_conversion_goes_on(gta, tmp_path):
    convert_train_ids(gta, tmp_path)
    kept = tmp_path / '00001_labelTrainIds.png'
    cut = tmp_path / '00002_labelTrainIds.png'
    missing = tmp_path / '00003_labelTrainIds.png'
    before, whole = kept.stat().st_mtime_ns, cut.read_bytes()
    cut.write_bytes(whole[:-20])
    missing.unlink()
    report = convert_train_ids(gta, tmp_path)
    assert (report.written, report.kept, report.problems) == (2, 3, [])
    assert kept.stat().st_mtime_ns == before
    assert cut.read_bytes() == whole and missing.exists()


def _kill_at(victim, job):
    if job == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def _fail_on_odd(job):
    if job % 2:
        raise ValueError(f'{job} is odd')
    return job


def test_a_killed_process_is_told():
    with pytest.raises(ChildProcessError, match='the same command goes on'):
        run_jobs(functools.partial(_kill_at, 3), range(4), workers=2)


@pytest.mark.parametrize('workers', [1, 2])
def test_single_faults_do_not_stop_the_others(workers):
    outcomes = run_jobs(_fail_on_odd, range(20), workers)
    assert [x.value for x in outcomes[::2]] == list(range(0, 20, 2))
    assert [x.error for x in outcomes[1:4:2]] == ['1 is odd', '3 is odd']


def test_verification_sees_a_changed_pixel(gta, tmp_path):
    convert_train_ids(gta, tmp_path)
    path = tmp_path / '00004_labelTrainIds.png'
    labels = read(path)
    labels[3, 4] = (int(labels[3, 4]) + 1) % 19
    cv2.imwrite(str(path), labels)
    quick = convert_train_ids(gta, tmp_path, full=False)
    assert quick.problems == []
    report = convert_train_ids(gta, tmp_path)
    assert len(report.problems) == 1
    assert '00004_labelTrainIds.png: 1 pixels differ' in report.problems[0]
    assert '00004' in report.summary()
    assert convert_train_ids(gta, tmp_path, overwrite=True).problems == []


def test_foreign_values_and_formats_are_replaced(gta, tmp_path):
    convert_train_ids(gta, tmp_path)
    path = tmp_path / '00001_labelTrainIds.png'
    good = path.read_bytes()
    for bad in (
        np.full((12, 20), 77, np.uint8),
        np.zeros((12, 21), np.uint8),
        np.zeros((12, 20, 3), np.uint8),
    ):
        cv2.imwrite(str(path), bad)
        report = convert_train_ids(gta, tmp_path, full=False)
        assert (report.written, report.problems) == (1, [])
        assert path.read_bytes() == good


def test_size_pairs_and_faulty_labels_are_reported(gta, raw_folders):
    root = Path(gta.data_root)
    raw_folders.image(root / 'images/00002.png', (12, 22))
    raw_folders.palette(root / 'labels/00005.png', np.full((12, 20), 99))
    report = convert_train_ids(gta)
    assert report.written == 4 and len(report.problems) == 2
    assert '00005.png: ids unknown to raw gta labels: 99' in report.problems[0]
    assert 'size 20x12, but' in report.problems[1]
    assert 'has 22x12' in report.problems[1]
    assert '--skip' in report.problems[1]


def test_labels_without_any_class_are_a_problem(raw_folders):
    root = raw_folders.gta(1)
    raw_folders.palette(root / 'labels/00001.png', np.zeros((12, 20)))
    report = convert_train_ids(GTADataset(data_root=str(root)))
    assert 'no pixel of any class' in report.problems[0]


def test_refused_places(gta, raw_folders, tmp_path):
    convert_train_ids(gta, tmp_path / 'x')
    other = GTADataset(data_root=gta.data_root, class_view='cityscapes16')
    with pytest.raises(ValueError, match="class_view='cityscapes19', now"):
        convert_train_ids(other, tmp_path / 'x')
    report = convert_train_ids(other, tmp_path / 'x', overwrite=True)
    assert report.written == 5 and report.problems == []
    camvid = CamVidDataset(data_root=str(raw_folders.camvid()))
    with pytest.raises(ValueError, match='names of the originals'):
        convert_train_ids(camvid)
    own = CustomRawDataset(
        data_root=gta.data_root,
        data_prefix=dict(img_path='images', seg_map_path='labels'),
        raw_labels=[*((i, None) for i in range(34)), (34, 'road')],
    )
    with pytest.raises(ValueError, match='holds the originals'):
        convert_train_ids(own, Path(gta.data_root) / 'labels')
    unlabeled = GTADataset(data_root=gta.data_root, labeled=False)
    with pytest.raises(ValueError, match='needs raw labels'):
        convert_train_ids(unlabeled)


@pytest.mark.parametrize('backend', ['pillow', 'opencv'])
@pytest.mark.parametrize(('size', 'target'), [(8, 4), (1052, 512), (7, 5)])
def test_nearest_indices_are_the_librarys(backend, size, target):
    row = np.arange(size, dtype=np.int32)[None]
    if backend == 'pillow':
        image = Image.fromarray(row).resize((target, 1), Image.NEAREST)
        expected = np.array(image)[0]
    else:
        row = row.astype(np.float32)
        expected = cv2.resize(
            row, (target, 1), interpolation=cv2.INTER_NEAREST
        )[0]
    found = nearest_indices(size, target, backend)
    np.testing.assert_array_equal(found, expected)


def test_pillow_halving_takes_odd_pixels():
    assert nearest_indices(8, 4, 'pillow').tolist() == [1, 3, 5, 7]
    assert nearest_indices(8, 4, 'opencv').tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize('backend', ['pillow', 'opencv'])
@pytest.mark.parametrize('name', [*READERS, 'synthia_parsed'])
def test_smaller_copy_has_the_same_tree(world, tmp_path, name, backend):
    kind = READERS[name][0] if name in READERS else SynthiaParsedDataset
    name = name.removesuffix('_parsed')
    load = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]
    dataset = kind(data_root=str(world / name), pipeline=load)
    report = downsample_dataset(dataset, tmp_path, (48, 24), backend)
    assert (report.written, report.problems) == (4, [])
    small = kind(
        data_root=str(tmp_path),
        img_suffix=kind.IMG_SUFFIX.replace('.png', '.jpg'),
        pipeline=load,
    )
    for a, b in zip(small, dataset, strict=True):
        assert a['img'].shape == (24, 48, 3)
        height, width = b['gt_seg_map'].shape
        rows = nearest_indices(height, 24, backend)
        columns = nearest_indices(width, 48, backend)
        np.testing.assert_array_equal(
            a['gt_seg_map'], b['gt_seg_map'][rows][:, columns]
        )
        if backend == 'pillow':
            image = Image.open(b['img_path']).convert('RGB')
            wanted = np.array(image.resize((48, 24), Image.LANCZOS))
            difference = np.abs(a['img'][..., ::-1] - wanted.astype(float))
            assert difference.mean() < 2
    again = downsample_dataset(dataset, tmp_path, (48, 24), backend)
    assert (again.written, again.kept, again.problems) == (0, 4, [])


def test_pairs_of_different_size_are_not_made_alike(gta, raw_folders):
    """Both copies would have the target size and hide the fault."""
    root = Path(gta.data_root)
    before, after = root.parent / 'before', root.parent / 'after'
    assert downsample_dataset(gta, before, (10, 6)).problems == []
    raw_folders.image(root / 'images/00002.png', (12, 22))
    report = downsample_dataset(gta, after, (10, 6))
    assert len(report.problems) == 1
    for text in ('labels/00002.png: size 20x12', 'images/00002.png has 22x12'):
        assert text in report.problems[0]
    assert not (after / 'labels/00002.png').exists()
    # Copies made before are looked at as well.
    again = downsample_dataset(gta, before, (10, 6), full=False)
    assert len(again.problems) == 1 and 'has 22x12' in again.problems[0]


def test_jpeg_has_no_chroma_subsampling(world, tmp_path):
    dataset = GTADataset(data_root=str(world / 'gta'), labeled=False)
    for backend in ('pillow', 'opencv'):
        out = tmp_path / backend
        downsample_dataset(dataset, out, (48, 24), backend)
        with Image.open(out / 'images/00001.jpg') as image:
            assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


def test_copies_of_another_image_are_seen(world, tmp_path):
    dataset = GTADataset(data_root=str(world / 'gta'), labeled=False)
    downsample_dataset(dataset, tmp_path, (48, 24))
    images = tmp_path / 'images'
    (images / '00001.jpg').write_bytes((images / '00002.jpg').read_bytes())
    report = downsample_dataset(dataset, tmp_path, (48, 24))
    assert 'grey levels' in report.problems[0]
    with pytest.raises(ValueError, match=r'size=\[48, 24\], now asked for'):
        downsample_dataset(dataset, tmp_path, (32, 16))
    with pytest.raises(ValueError, match='folder of the originals'):
        downsample_dataset(dataset, world / 'gta', (32, 16))
    with pytest.raises(ValueError, match="backend 'gpu' is unknown"):
        downsample_dataset(dataset, tmp_path, (32, 16), 'gpu')


def test_any_folder_can_be_shrunk(world, tmp_path):
    folder = world / 'gta/images'
    report = downsample_folder(
        folder, ['00001', '00002'], '.png', tmp_path, (32, 16)
    )
    assert report.problems == []
    assert sorted(x.name for x in tmp_path.glob('*.jpg')) == [
        '00001.jpg',
        '00002.jpg',
    ]


def test_split_lists(gta, tmp_path):
    val, train = tmp_path / 'val.txt', tmp_path / 'train.txt'
    assert write_split_lists(gta, 'last:2', val, train) == (2, 3)
    root = gta.data_root
    chosen = GTADataset(data_root=root, indices=str(val))
    others = GTADataset(data_root=root, ann_file=str(train))
    assert [x['sample_stem'] for x in chosen] == ['00004', '00005']
    assert [x['sample_stem'] for x in others] == ['00001', '00002', '00003']
    with pytest.raises(ValueError, match='leaves no image over'):
        write_split_lists(gta, 'fraction:1', val, train)
