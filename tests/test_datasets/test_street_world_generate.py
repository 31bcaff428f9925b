# SPDX-License-Identifier: Apache-2.0
"""Making, continuing, refusing and checking StreetWorld folders."""

import importlib.util
import json
import shutil
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_da.datasets.camvid import CamVidDataset
from mmseg_da.datasets.cityscapes import CityscapesRawDataset
from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.gta import GTADataset
from mmseg_da.datasets.mapillary import MapillaryRawDataset
from mmseg_da.datasets.street_world import generate as generate_module
from mmseg_da.datasets.street_world.formats import FORMATS
from mmseg_da.datasets.street_world.frame import LABELLED_TIME
from mmseg_da.datasets.street_world.generate import (
    generate,
    resolve_formats,
    street_settings,
)
from mmseg_da.datasets.street_world.manifest import (
    check_manifest,
    read_manifest,
)
from mmseg_da.datasets.street_world.render import StreetRenderer
from mmseg_da.datasets.street_world.storage import is_complete
from mmseg_da.datasets.street_world.world import WorldSettings
from mmseg_da.datasets.synscapes import SynscapesDataset
from mmseg_da.datasets.synthia import SynthiaDataset
from mmseg_da.evaluation.cityscapes_official import score_cityscapes

TOOL = Path(__file__).parents[2] / 'tools' / 'make_street_world.py'
SETTINGS = WorldSettings(
    size=(96, 48),
    train=3,
    val=1,
    test=1,
    seed=3,
    sequence_frames=2,
    truth_share=0.5,
)


def _tree(folder):
    """Contents of all visible files, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file() and path.name != '.lock'
    }


@pytest.fixture(scope='session')
def finished(tmp_path_factory):
    """A folder with every format; not to be changed."""
    root = tmp_path_factory.mktemp('street_world') / 'all'
    generate(root, list(FORMATS), SETTINGS)
    return root


@pytest.fixture
def world(finished, tmp_path):
    """A copy of the finished folder."""
    root = tmp_path / 'world'
    shutil.copytree(finished, root)
    return root


def _rendered(name, number, split='train'):
    """What the dataset should show of a sample."""
    entry = FORMATS[name]
    (sample,) = (
        s
        for s in entry.samples(SETTINGS)
        if (s.split, s.number) == (split, number)
    )
    renderer = StreetRenderer(street_settings(entry, SETTINGS))
    return entry.view(sample, renderer.render(sample.index, LABELLED_TIME))


def test_all_files_are_there_and_whole(finished):
    manifest = check_manifest(finished, FORMATS, **SETTINGS.as_dict())
    assert manifest['formats']['gta']['counts'] == {'train': 3}
    for name, entry in FORMATS.items():
        for sample in entry.samples(SETTINGS):
            for path in entry.files(sample, SETTINGS):
                assert is_complete(finished / entry.folder / path), path
        assert name in manifest['formats']


def test_gta_and_cityscapes_show_the_rendered_frames(finished):
    frame = _rendered('gta', 2)
    label = np.array(Image.open(finished / 'gta/labels/00003.png'))
    np.testing.assert_array_equal(label, frame.label)
    assert label.shape == (46, 96)  # the one of another size
    frame = _rendered('cityscapes', 0, 'val')
    stem = 'val/frankfurt/frankfurt_000000_000019'
    label = cv2.imread(
        str(finished / f'cityscapes/gtFine/{stem}_gtFine_labelIds.png'),
        cv2.IMREAD_UNCHANGED,
    )
    np.testing.assert_array_equal(label, frame.label)


@pytest.mark.parametrize(
    ('reader', 'name', 'split', 'view'),
    [
        (GTADataset, 'gta', None, 'cityscapes19'),
        (SynthiaDataset, 'synthia', None, 'cityscapes16'),
        (SynscapesDataset, 'synscapes', None, 'cityscapes19'),
        (CityscapesRawDataset, 'cityscapes', 'train', 'cityscapes19'),
        (MapillaryRawDataset, 'mapillary', 'train', 'cityscapes19'),
        (CamVidDataset, 'camvid', 'train', 'camvid11'),
    ],
)
def test_the_readers_of_the_real_data_read_it(
    finished, reader, name, split, view
):
    """Train ids from the files are those of the rendered labels."""
    pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadRawLabels')]
    dataset = reader(
        data_root=str(finished / name),
        class_view=view,
        pipeline=pipeline,
        **(dict(split=split) if split else {}),
    )
    assert len(dataset) == SETTINGS.train
    table = get_class_view(view).lut('cityscapes')
    expected = {
        table[_rendered(name, number).label].tobytes()
        for number in range(SETTINGS.train)
    }
    found = {np.uint8(item['gt_seg_map']).tobytes() for item in dataset}
    assert found == expected


def test_labelled_frame_is_in_its_snippet(finished):
    stem = 'val/frankfurt/frankfurt_000000_000019_leftImg8bit.png'
    root = finished / 'cityscapes'
    labelled = (root / 'leftImg8bit' / stem).read_bytes()
    assert (root / 'leftImg8bit_sequence' / stem).read_bytes() == labelled


def test_written_disparity_agrees_with_written_depth(finished):
    """Check 2 of the specification, from the files alone."""
    root = finished / 'cityscapes'
    stem = 'val/frankfurt/frankfurt_000000_000019'
    camera = json.loads((root / f'camera/{stem}_camera.json').read_text())
    coded = cv2.imread(
        str(root / f'disparity/{stem}_disparity.png'), cv2.IMREAD_UNCHANGED
    )
    depth = np.load(root / f'ground_truth/depth/{stem}.npy')
    scale = camera['extrinsic']['baseline'] * camera['intrinsic']['fx']
    seen = coded > 0
    disparity = (coded[seen] - 1.0) / 256
    assert np.abs(disparity - scale / depth[seen]).max() <= 0.501 / 256
    assert 0.7 < seen.mean() < 1  # the own vehicle is invalid


def test_polygons_redraw_rendered_labels(finished):
    helpers = pytest.importorskip('cityscapesscripts.helpers.annotation')
    drawing = pytest.importorskip(
        'cityscapesscripts.preparation.json2labelImg'
    )
    fine = finished / 'cityscapes/gtFine/val/frankfurt'
    stem = str(fine / 'frankfurt_000000_000019_gtFine')
    annotation = helpers.Annotation()
    annotation.fromJsonFile(f'{stem}_polygons.json')
    drawn = np.array(drawing.createLabelImage(annotation, 'ids'))
    label = cv2.imread(f'{stem}_labelIds.png', cv2.IMREAD_UNCHANGED)
    assert (drawn == label).mean() > 0.99


def test_official_scorer_gives_100_to_the_truth(finished, tmp_path):
    """Check 5 of the specification."""
    pytest.importorskip('cityscapesscripts')
    fine = finished / 'cityscapes/gtFine/val'
    for path in fine.rglob('*_labelIds.png'):
        shutil.copy(path, tmp_path / path.name)
    scores = score_cityscapes(tmp_path, fine)
    assert scores == pytest.approx(dict.fromkeys(scores, 100.0))
    assert 'mIoU' in scores and 'nIoU' in scores


def test_void_and_ids_are_in_range(finished):
    view = get_class_view('cityscapes19')
    table, void = view.lut('cityscapes'), []
    for path in (finished / 'cityscapes/gtFine').rglob('*_labelIds.png'):
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert label.max() <= 33
        void.append((table[label] == 255).mean())
    assert 0.02 < np.mean(void) < 0.15


def test_two_workers_write_the_same_bytes(finished, tmp_path):
    formats = ['gta', 'cityscapes_sequence']
    generate(tmp_path / 'two', formats, SETTINGS, workers=2)
    found = _tree(tmp_path / 'two')
    found.pop('manifest.json')
    expected = _tree(finished)
    assert found and found == {k: expected[k] for k in found}
    folders = ('gta/', 'cityscapes/')
    assert set(found) == {k for k in expected if k.startswith(folders)}


def test_interrupted_run_continues_to_the_same_bytes(
    finished, tmp_path, monkeypatch
):
    root, written = tmp_path / 'cut', []
    write = generate_module.write_atomic

    def write_or_stop(path, data):
        if len(written) == 30:
            raise KeyboardInterrupt
        written.append(path)
        write(path, data)

    monkeypatch.setattr(generate_module, 'write_atomic', write_or_stop)
    with pytest.raises(KeyboardInterrupt):
        generate(root, list(FORMATS), SETTINGS)
    with pytest.raises(ValueError, match=r'unfinished|missing'):
        check_manifest(root, FORMATS)
    monkeypatch.undo()
    generate(root, list(FORMATS), SETTINGS)
    assert _tree(root) == _tree(finished)


def test_torn_files_of_an_unfinished_format_are_made_again(finished, world):
    manifest = read_manifest(world)
    for name in ('gta', 'cityscapes', 'mapillary'):
        manifest['formats'][name]['finished'] = False
    (world / 'manifest.json').write_text(json.dumps(manifest))
    torn = [
        world / 'gta/images/00002.png',
        next(world.glob('mapillary/training/images/*.jpg')),
        next(world.glob('cityscapes/ground_truth/depth/train/*/*.npy')),
        next(world.glob('cityscapes/gtFine/train/*/*_polygons.json')),
    ]
    for path in torn:
        path.write_bytes(path.read_bytes()[:-40])
    (world / 'gta/labels/00001.png').unlink()
    (world / 'gta/labels/.00001.png.77.tmp').write_bytes(b'half')
    made = generate(world, list(FORMATS), SETTINGS)
    assert made == ['gta', 'cityscapes', 'mapillary']
    assert _tree(world) == _tree(finished)


def test_lost_file_of_a_finished_format_is_made_again(finished, world):
    (world / 'synthia/RGB/0000001.png').unlink()
    assert generate(world, list(FORMATS), SETTINGS) == ['synthia']
    assert _tree(world) == _tree(finished)


def test_finished_folder_has_nothing_to_do(world, monkeypatch):
    monkeypatch.setattr(generate_module, 'make_sample', None)
    before = {p: p.stat().st_mtime_ns for p in world.rglob('*.*')}
    assert generate(world, list(FORMATS), SETTINGS) == []
    assert {p: p.stat().st_mtime_ns for p in world.rglob('*.*')} == before


def test_killed_before_the_last_record_only_records(world, finished):
    """All files are there, but the format was not recorded as finished."""
    manifest = read_manifest(world)
    manifest['formats']['gta']['finished'] = False
    (world / 'manifest.json').write_text(json.dumps(manifest))
    assert generate(world, ['gta'], SETTINGS, workers=2) == ['gta']
    assert _tree(world) == _tree(finished)


def test_dead_worker_is_named(tmp_path, monkeypatch):
    def die(pool, tasks):
        raise BrokenProcessPool('terminated abruptly')

    monkeypatch.setattr(generate_module, '_in_pool', die)
    with pytest.raises(OSError, match='try fewer workers'):
        generate(tmp_path, ['gta'], SETTINGS, workers=2)


def test_formats_can_be_added(finished, tmp_path):
    root = tmp_path / 'world'
    assert generate(root, ['camvid'], SETTINGS) == ['camvid']
    assert generate(root, ['camvid', 'gta'], SETTINGS) == ['gta']
    expected = _tree(finished)
    found = _tree(root)
    found.pop('manifest.json')
    assert found == {k: expected[k] for k in found}
    assert set(read_manifest(root)['formats']) == {'camvid', 'gta'}


def test_other_settings_are_refused_and_named(world):
    before = _tree(world)
    other = replace(SETTINGS, seed=4, gap=0.5)
    with pytest.raises(ValueError) as error:
        generate(world, ['gta'], other)
    message = str(error.value)
    assert 'found: seed=3, gap=1.0' in message
    assert 'asked: seed=4, gap=0.5' in message
    assert 'size' not in message
    assert _tree(world) == before


def test_other_version_is_refused(world):
    manifest = read_manifest(world)
    manifest['settings']['version'] = 0
    (world / 'manifest.json').write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match='found: version=0'):
        generate(world, ['gta'], SETTINGS)
    with pytest.raises(ValueError, match='is stale'):
        check_manifest(world)


def test_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / 'photo.png').write_bytes(b'')
    with pytest.raises(ValueError, match=r"holds 'photo.png' but no"):
        generate(tmp_path, ['gta'], SETTINGS)
    assert not (tmp_path / 'gta').exists()


@pytest.mark.parametrize(
    ('text', 'message'),
    [('{', 'is not JSON'), ('[]', 'something else'), ('{}', 'something else')],
)
def test_foreign_manifest_is_refused(tmp_path, text, message):
    (tmp_path / 'manifest.json').write_text(text)
    with pytest.raises(ValueError, match=message):
        generate(tmp_path, ['gta'], SETTINGS)


def test_gap_and_seed_move_what_they_should(finished, tmp_path):
    near = replace(SETTINGS, gap=0.3, train=1, val=0, test=0)
    generate(tmp_path / 'near', ['gta', 'camvid'], near)
    found, expected = _tree(tmp_path / 'near'), _tree(finished)
    target = 'camvid/train/0001TP_000000.png'
    assert found[target] == expected[target]
    source = 'gta/images/00001.png'
    assert found[source] != expected[source]
    seeded = replace(SETTINGS, seed=4, train=1, val=0, test=0)
    generate(tmp_path / 'seed', ['camvid'], seeded)
    assert _tree(tmp_path / 'seed')[target] != expected[target]


def test_needed_formats_come_first():
    resolved = resolve_formats(['cityscapes_sequence', 'gta', 'cityscapes'])
    assert resolved == ['cityscapes', 'cityscapes_sequence', 'gta']


@pytest.mark.parametrize(
    ('formats', 'message'),
    [(['gat'], "Did you mean 'gta'"), ([], 'no format given')],
)
def test_bad_formats(formats, message):
    with pytest.raises(ValueError, match=message):
        resolve_formats(formats)


def test_bad_workers(tmp_path):
    with pytest.raises(ValueError, match='workers=0'):
        generate(tmp_path, workers=0)


def test_check_manifest_names_what_is_wrong(finished, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'make_street_world\.py'):
        check_manifest(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match=r'found: gap=1\.0; asked: gap=0\.5'):
        check_manifest(finished, gap=0.5)
    with pytest.raises(ValueError, match="no setting 'gaps'"):
        check_manifest(finished, gaps=0.5)
    check_manifest(finished, ['gta'], size=(96, 48))


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('make_street_world', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SMALL = ['--size', '96x48', '--train', '1', '--val', '0', '--workers', '1']


def test_command_makes_then_has_nothing_to_do(tool, tmp_path, capsys):
    argv = ['--out', str(tmp_path / 'w'), '--formats', 'gta', *SMALL]
    assert tool.main(argv) == 0
    assert 'made gta' in capsys.readouterr().out
    assert (tmp_path / 'w/gta/images/00001.png').is_file()
    assert tool.main(argv) == 0
    assert 'nothing to do' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (['--formats', 'gta,cityscape'], "Did you mean 'cityscapes'"),
        (['--size', '256'], 'WIDTHxHEIGHT'),
        (['--preset', 'gmae'], "Did you mean 'game'"),
        (['--contact-sheet', 'x.gif'], r'.png, .jpg'),
    ],
)
def test_command_errors_fit_on_a_screen(tool, tmp_path, capsys, argv, message):
    assert tool.main(['--out', str(tmp_path / 'w'), *SMALL, *argv]) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and message in error
    assert error.count('\n') <= 10


def test_command_names_a_folder_it_cannot_write(tool, tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    argv = ['--out', str(tmp_path / 'file/w'), '--formats', 'gta', *SMALL]
    assert tool.main(argv) == 2
    assert '--out: cannot write' in capsys.readouterr().err


def test_contact_sheet_and_frequencies(tool, tmp_path, capsys):
    path = tmp_path / 'sheet.png'
    argv = ['--contact-sheet', str(path), '--class-frequencies', '2']
    assert tool.main([*SMALL, *argv]) == 0
    assert cv2.imread(str(path)).shape == (3 * 48, 5 * 96, 3)
    rows = capsys.readouterr().out.strip().split('\n')
    assert rows[3].startswith('| road |') and rows[-1].startswith('| void |')
    shares = [float(row.split('|')[2]) for row in rows[3:]]
    assert sum(shares) == pytest.approx(100, abs=0.2)
