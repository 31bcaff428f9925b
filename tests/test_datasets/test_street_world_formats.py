# SPDX-License-Identifier: Apache-2.0
"""Every StreetWorld format, read back by the rules of the real dataset."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_da.datasets.class_views import RAW_LABELS, get_class_view
from mmseg_da.datasets.street_world.formats import FORMATS
from mmseg_da.datasets.street_world.formats.cityscapes import (
    encode_disparity,
    instance_ids,
)
from mmseg_da.datasets.street_world.formats.raw_classes import RAW_ID_OF_LABEL
from mmseg_da.datasets.street_world.frame import (
    LABELLED_TIME,
    Camera,
    Frame,
    Pose,
)
from mmseg_da.datasets.street_world.world import (
    WorldSettings,
    parse_size,
)

WIDTH, HEIGHT = 96, 48
SETTINGS = WorldSettings(
    size=(WIDTH, HEIGHT),
    train=3,
    val=1,
    test=1,
    sequence_frames=3,
    truth_share=1.0,
    train_ids=True,
)
NAME_OF = {x.id: x.name for x in RAW_LABELS['cityscapes']}


def _pose(z):
    matrix = np.eye(4)
    matrix[2, 3] = z
    return Pose(matrix, speed=8.5, yaw_rate=0.01)


@pytest.fixture(scope='module')
def frame():
    """Blocks of every Cityscapes id 0..33, two instances per block."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    label = (rows // 8 * 6 + columns // 16) % 34
    instance = np.where(label >= 24, 1 + label * 2 + columns // 8 % 2, 0)
    depth = rng.uniform(2, 90, (HEIGHT, WIDTH)).astype(np.float32)
    depth[label == 23] = np.inf
    fx = 100.0
    camera = Camera(WIDTH, HEIGHT, fx, fx, 47.5, 23.5, 1.3, 0.04, 0.22)
    return Frame(
        image=rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8),
        label=label.astype(np.uint8),
        instance=instance.astype(np.uint16),
        depth=depth,
        flow=rng.normal(size=(HEIGHT, WIDTH, 2)).astype(np.float32),
        camera=camera,
        pose=_pose(10.0),
        next_pose=_pose(10.5),
    )


def _write(name, frame, folder, settings=SETTINGS):
    """Write all samples of a format; returns the samples."""
    entry = FORMATS[name]
    samples = list(entry.samples(settings))
    for sample in samples:
        view = entry.view(sample, frame)
        for path, job in entry.files(sample, settings).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(job.encode(view))
    for path, data in entry.folder_files(settings).items():
        (folder / path).write_bytes(data)
    return samples


def _rgb(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def _raw(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def _names(dataset, ids):
    table = {x.id: x.name for x in RAW_LABELS[dataset]}
    return np.vectorize(table.__getitem__, otypes=[object])(ids)


def _assert_named(dataset, ids, label, expected):
    """Ids carry the expected name of every Cityscapes class."""
    names = _names(dataset, ids)
    for label_id in np.unique(label):
        name = NAME_OF[label_id]
        found = set(names[label == label_id])
        assert found == {expected.get(name, name)}, name


def _files(folder):
    return sorted(
        str(p.relative_to(folder)) for p in folder.rglob('*') if p.is_file()
    )


def test_gta_reads_back(frame, tmp_path):
    _write('gta', frame, tmp_path)
    for name in ('00001', '00002'):
        label = Image.open(tmp_path / f'labels/{name}.png')
        assert label.mode == 'P'
        np.testing.assert_array_equal(np.array(label), frame.label)
        assert label.getpalette()[26 * 3 : 27 * 3] == [0, 0, 142]
        np.testing.assert_array_equal(
            _rgb(tmp_path / f'images/{name}.png'), frame.image
        )


def test_gta_has_one_other_size_in_twenty(frame):
    entry, settings = FORMATS['gta'], WorldSettings(train=40)
    sizes = [entry.view(s, frame).label.shape for s in entry.samples(settings)]
    assert sizes.count((HEIGHT, WIDTH)) == 38
    assert sizes.count((HEIGHT - 2, WIDTH)) == 2


def test_gta_sequence_reads_back(frame, tmp_path):
    _write('gta_seq', frame, tmp_path)
    images = sorted(p.name for p in (tmp_path / 'train/img/001').iterdir())
    assert images == [f'001_{i:05d}.jpg' for i in (19, 20, 21)]
    classes = _files(tmp_path / 'train/cls/001')
    assert classes == ['001_00020.png']
    color = _rgb(tmp_path / 'train/cls/001/001_00020.png')
    train = get_class_view('cityscapes19').lut('cityscapes')[frame.label]
    assert (color[frame.label == 31] == 0).all()  # no train class
    assert (color[train == 255] == 0).all()
    assert (color[frame.label == 26] == (0, 0, 142)).all()
    jpeg = _rgb(tmp_path / 'train/img/001/001_00020.jpg')
    assert jpeg.shape == frame.image.shape


def test_synthia_reads_back(frame, tmp_path):
    _write('synthia', frame, tmp_path)
    labels = _raw(tmp_path / 'GT/LABELS/0000000.png')
    assert labels.dtype == np.uint16 and labels.shape == (HEIGHT, WIDTH, 3)
    classes = labels[:, :, -1]  # OpenCV gives BGR: red is last
    parsed = _raw(tmp_path / 'parsed_LABELS/0000000.png')
    assert parsed.dtype == np.uint8
    np.testing.assert_array_equal(parsed, classes)
    np.testing.assert_array_equal(labels[:, :, 1], frame.instance)
    known = {x.name for x in RAW_LABELS['synthia']}
    known -= {'terrain', 'truck', 'train'}
    renamed = {'person': 'pedestrian', 'parking': 'parking-slot'}
    expected = {
        name: renamed.get(name, name if name in known else 'void')
        for name in NAME_OF.values()
    }
    _assert_named('synthia', classes, frame.label, expected)
    color = _rgb(tmp_path / 'GT/COLOR/0000000.png')
    assert (color[frame.label == 13] == (64, 64, 128)).all()


def test_synthia_depth_is_in_centimetres(frame, tmp_path):
    _write('synthia', frame, tmp_path)
    depth = cv2.imread(
        str(tmp_path / 'Depth/Depth/0000000.png'), cv2.IMREAD_ANYDEPTH
    )
    assert depth.dtype == np.uint16 and depth.ndim == 2
    sky = np.isinf(frame.depth)
    assert (depth[sky] == 65535).all()
    error = np.abs(depth[~sky] / 100 - frame.depth[~sky])
    assert error.max() <= 0.0051


def test_synthia_sequence_snippets_are_apart():
    entry = FORMATS['synthia_seq']
    settings = WorldSettings(train=12)
    numbers = {}
    for sample in entry.samples(settings):
        for path in entry.dataset_files(sample, settings):
            if '/RGB/' in path:
                sequence, number = path.split('/')[1], int(path[-10:-4])
                numbers.setdefault(sequence, []).append(number)
    assert len(numbers) == 5
    for values in numbers.values():
        steps = np.diff(sorted(values))
        assert set(steps[steps > 1]) <= {11}
        assert (steps >= 1).all()


def test_synscapes_reads_back(frame, tmp_path):
    _write('synscapes', frame, tmp_path)
    np.testing.assert_array_equal(
        _raw(tmp_path / 'img/class/1.png'), frame.label
    )
    np.testing.assert_array_equal(
        _rgb(tmp_path / 'img/rgb/1.png'), frame.image
    )


def test_cityscapes_layout(frame, tmp_path):
    _write('cityscapes', frame, tmp_path)
    stem = 'val/frankfurt/frankfurt_000000_000019'
    files = _files(tmp_path)
    assert [f for f in files if 'val/' in f and 'truth' not in f] == sorted(
        [
            f'camera/{stem}_camera.json',
            f'gtFine/{stem}_gtFine_color.png',
            f'gtFine/{stem}_gtFine_instanceIds.png',
            f'gtFine/{stem}_gtFine_labelIds.png',
            f'gtFine/{stem}_gtFine_labelTrainIds.png',
            f'gtFine/{stem}_gtFine_polygons.json',
            f'leftImg8bit/{stem}_leftImg8bit.png',
            f'vehicle/{stem}_vehicle.json',
        ]
    )
    assert not (tmp_path / 'gtFine/test').exists()
    assert len(list((tmp_path / 'gtFine/train').iterdir())) == 3  # cities


def test_cityscapes_labels_read_back(frame, tmp_path):
    _write('cityscapes', frame, tmp_path)
    fine = tmp_path / 'gtFine/val/frankfurt/frankfurt_000000_000019_gtFine'
    np.testing.assert_array_equal(_raw(f'{fine}_labelIds.png'), frame.label)
    instances = Image.open(f'{fine}_instanceIds.png')
    assert instances.mode == 'I;16'
    ids = np.array(instances)
    np.testing.assert_array_equal(
        np.where(ids >= 1000, ids // 1000, ids), frame.label
    )
    assert set(ids[frame.label == 26]) == {26000, 26001}
    assert (ids[frame.label < 24] == frame.label[frame.label < 24]).all()
    color = Image.open(f'{fine}_color.png')
    assert color.mode == 'RGBA'
    assert color.getpixel((0, 8)) == (81, 0, 81, 255)  # id 6, ground
    expected = get_class_view('cityscapes19').lut('cityscapes')[frame.label]
    np.testing.assert_array_equal(_raw(f'{fine}_labelTrainIds.png'), expected)


def test_cityscapes_train_ids_only_on_request(frame):
    settings = WorldSettings(train=1, val=0)
    entry = FORMATS['cityscapes']
    (sample,) = entry.samples(settings)
    assert not [f for f in entry.files(sample, settings) if 'TrainIds' in f]


def test_cityscapes_polygons_draw_the_labels(frame, tmp_path):
    scripts = pytest.importorskip('cityscapesscripts.helpers.annotation')
    drawing = pytest.importorskip(
        'cityscapesscripts.preparation.json2labelImg'
    )
    label = np.full((HEIGHT, WIDTH), 11, np.uint8)
    label[30:] = 7
    label[10:28, 20:50] = 21
    label[14:22, 30:40] = 23  # a hole in the tree
    label[17, 35] = 20  # a single pixel in the hole
    data = _polygons_of(frame, label)
    path = tmp_path / 'x_polygons.json'
    path.write_bytes(data)
    assert json.loads(data)['imgWidth'] == WIDTH
    annotation = scripts.Annotation()
    annotation.fromJsonFile(str(path))
    drawn = np.array(drawing.createLabelImage(annotation, 'ids'))
    np.testing.assert_array_equal(drawn, label)


def _polygons_of(frame, label):
    frame = replace(frame, label=label, instance=np.zeros_like(frame.instance))
    entry = FORMATS['cityscapes']
    sample = next(entry.samples(SETTINGS))
    files = entry.files(sample, SETTINGS)
    (path,) = (p for p in files if p.endswith('polygons.json'))
    return files[path].encode(frame)


def test_cityscapes_camera_and_vehicle(frame, tmp_path):
    _write('cityscapes', frame, tmp_path)
    stem = 'val/frankfurt/frankfurt_000000_000019'
    camera = json.loads((tmp_path / f'camera/{stem}_camera.json').read_text())
    assert camera['intrinsic'] == dict(fx=100.0, fy=100.0, u0=47.5, v0=23.5)
    extrinsic = ('baseline', 'pitch', 'roll', 'x', 'y', 'yaw', 'z')
    assert tuple(camera['extrinsic']) == extrinsic
    vehicle = json.loads(
        (tmp_path / f'vehicle/{stem}_vehicle.json').read_text()
    )
    assert vehicle['speed'] == 8.5 and vehicle['yawRate'] == 0.01
    assert vehicle['gpsHeading'] == 0.0


def test_disparity_gives_depth_back(frame):
    """Check 2 of the specification: exact up to the rounding of p."""
    coded = cv2.imdecode(
        np.frombuffer(encode_disparity(frame), np.uint8), cv2.IMREAD_UNCHANGED
    )
    assert coded.dtype == np.uint16
    own, sky = frame.label == 1, np.isinf(frame.depth)
    assert (coded[own] == 0).all() and (coded[sky & ~own] == 1).all()
    seen = ~own & ~sky
    disparity = (coded[seen].astype(float) - 1) / 256
    exact = 0.22 * 100.0 / frame.depth[seen]
    assert np.abs(disparity - exact).max() <= 0.5 / 256 + 1e-9


def test_cityscapes_sequence_adds_neighbours(frame, tmp_path):
    _write('cityscapes_sequence', frame, tmp_path)
    images = [
        f for f in _files(tmp_path) if f.startswith('leftImg8bit_sequence/val')
    ]
    assert [f[-22:-16] for f in images] == ['000018', '000019', '000020']
    states = tmp_path / 'vehicle_sequence/val/frankfurt'
    assert len(list(states.iterdir())) == 3
    assert FORMATS['cityscapes_sequence'].requires == ('cityscapes',)


@pytest.mark.parametrize('count', range(1, 31))
def test_snippet_holds_the_labelled_frame(count):
    times = WorldSettings(sequence_frames=count).times()
    assert len(times) == count and LABELLED_TIME in times
    assert times[0] >= 0 and times[-1] < 30


def test_mapillary_reads_back(frame, tmp_path):
    (sample, *_) = _write('mapillary', frame, tmp_path)
    stem = FORMATS['mapillary'].stem(sample)
    assert len(stem) == 22
    label = Image.open(tmp_path / f'training/labels/{stem}.png')
    assert label.mode == 'P'
    known = {x.name for x in RAW_LABELS['mapillary_v1']}
    expected = {n: n if n in known else 'unlabeled' for n in NAME_OF.values()}
    expected |= {
        'polegroup': 'pole',
        'traffic sign': 'traffic sign (front)',
        'rider': 'bicyclist',
        'train': 'on rails',
    }
    _assert_named('mapillary_v1', np.array(label), frame.label, expected)
    image = _rgb(tmp_path / f'training/images/{stem}.jpg')
    assert image.shape == frame.image.shape
    assert len(list((tmp_path / 'testing').iterdir())) == 1  # images only


def test_mapillary_class_list(frame, tmp_path):
    _write('mapillary', frame, tmp_path)
    labels = json.loads((tmp_path / 'config.json').read_text())['labels']
    assert len(labels) == 66
    assert labels[13]['readable'] == 'Road'
    assert labels[55]['instances'] and not labels[13]['instances']


def test_mapillary_sizes_vary_and_cameras_follow(frame):
    entry = FORMATS['mapillary']
    settings = WorldSettings(train=4, val=0)
    views = [entry.view(s, frame) for s in entry.samples(settings)]
    assert [v.label.shape[1] for v in views] == [96, 85, 72, 64]
    for view in views:
        assert view.image.shape[:2] == view.depth.shape == view.label.shape
        assert view.camera.width == view.label.shape[1]
    left = round(frame.camera.cx - views[3].camera.cx)
    np.testing.assert_array_equal(
        views[3].label, frame.label[:, left : left + 64]
    )


def test_camvid_reads_back(frame, tmp_path):
    _write('camvid', frame, tmp_path)
    names = (tmp_path / 'train.txt').read_text().split()
    assert names == sorted(p.name for p in (tmp_path / 'train').iterdir())
    label = _raw(tmp_path / 'trainannot' / names[0])
    assert label.dtype == np.uint8 and label.ndim == 2
    view = get_class_view('camvid11')
    expected = view.lut('cityscapes')[frame.label]
    np.testing.assert_array_equal(view.lut('camvid')[label], expected)
    assert set(np.unique(label)) == set(range(12))


@pytest.mark.parametrize('dataset', ['synthia', 'mapillary_v1', 'camvid'])
def test_raw_ids_are_known(dataset):
    """Check 3 of the specification: no id that the dataset lacks."""
    known = {x.id for x in RAW_LABELS[dataset]}
    assert set(RAW_ID_OF_LABEL[dataset].tolist()) <= known


def test_instances_count_from_zero_per_class():
    label = np.array([[24, 24, 26, 26, 7]], np.uint8)
    instance = np.array([[9, 4, 30, 0, 0]], np.uint16)
    expected = [[24001, 24000, 26000, 26, 7]]
    assert instance_ids(label, instance).tolist() == expected


def test_ground_truth_reads_back(frame, tmp_path):
    _write('cityscapes', frame, tmp_path)
    truth = tmp_path / 'ground_truth'
    stem = 'val/frankfurt/frankfurt_000000_000019'
    depth = np.load(truth / f'depth/{stem}.npy', allow_pickle=False)
    np.testing.assert_array_equal(depth, frame.depth)
    flow = np.load(truth / f'flow/{stem}.npy', allow_pickle=False)
    np.testing.assert_array_equal(flow, frame.flow)
    assert depth.dtype == flow.dtype == np.float32
    pose = json.loads((truth / f'pose/{stem}.json').read_text())
    expected = np.eye(4)
    expected[2, 3] = -0.5  # the street comes half a metre nearer
    np.testing.assert_allclose(pose['next_from_current'], expected)
    assert pose['camera']['fx'] == 100.0


@pytest.mark.parametrize(
    ('share', 'chosen'),
    [(0.0, []), (0.25, [0, 4, 8]), (1.0, list(range(9)))],
)
def test_truth_share_is_evenly_spaced(share, chosen):
    settings = WorldSettings(truth_share=share)
    assert [i for i in range(9) if settings.wants_truth(i)] == chosen


def test_formats_and_splits_never_share_streets():
    settings = WorldSettings(train=5, val=5, test=5)
    seen = {}
    for name, entry in FORMATS.items():
        for sample in entry.samples(settings):
            key = (entry.folder, sample.split, sample.number)
            assert seen.setdefault(sample.index, key) == key, name


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'size': (256, 100)}, 'ratio 2:1'),
        ({'size': (64, 32)}, '96x48'),
        ({'train': -1}, 'train=-1'),
        ({'gap': 1.5}, 'gap=1.5'),
        ({'truth_share': 2}, 'truth_share=2'),
        ({'sequence_frames': 31}, 'from 1 to 30'),
        ({'preset': 'gmae'}, "Did you mean 'game'"),
        ({'target_preset': 'dusk'}, 'real'),
    ],
)
def test_bad_settings_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        WorldSettings(**change)


@pytest.mark.parametrize('text', ['256', '256x', 'axb', '1x2x3', '-2x-1'])
def test_bad_size_text(text):
    with pytest.raises(ValueError, match='WIDTHxHEIGHT'):
        parse_size(text)


def test_size_text():
    assert parse_size('512X256') == (512, 256)
