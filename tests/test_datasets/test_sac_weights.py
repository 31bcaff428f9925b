# SPDX-License-Identifier: Apache-2.0
"""Importance weights of SAC: the authors' files, JSON, draws, bad input."""

import io
import json
import zipfile

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmseg_da.datasets import CityscapesRawDataset
from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.conversion import dataset_counts
from mmseg_da.datasets.conversion.class_stats import ClassStats
from mmseg_da.datasets.conversion.label_files import sac_labels_in_folder
from mmseg_da.datasets.conversion.sac_weights import (
    export_sac,
    import_sac,
    read_sac_weights,
)
from mmseg_da.datasets.conversion.stats_artifact import (
    load_class_stats,
    make_class_stats,
    store_class_stats,
)
from mmseg_da.datasets.samplers import (
    ClassCyclePolicy,
    RareClassPolicy,
    class_policies,
)
from mmseg_da.engine.artifacts import ArtifactStore

VIEW = get_class_view('cityscapes19')
SUFFIX = '_gtFine_labelIds.png'
COUNTS = np.zeros((4, 19), np.int64)
COUNTS[:, 3] = (10, 30, 0, 0)
COUNTS[:, 0] = (5, 5, 5, 5)


@pytest.fixture
def dataset(raw_folders):
    """Four unlabelled Cityscapes images, a/a_0 to a/a_3."""
    folder = raw_folders.root / 'cs/leftImg8bit/train/a'
    for i in range(4):
        raw_folders.image(folder / f'a_{i}_leftImg8bit.png')
    return CityscapesRawDataset(
        data_root=str(raw_folders.root / 'cs'), split='train', labeled=False
    )


def stats_of(counts, names=('a_0', 'a_1', 'a_2', 'a_3')):
    return ClassStats(tuple(names), counts, VIEW.name, VIEW.classes)


def policy_of(dataset, root, stats, **options):
    store_class_stats(stats, ArtifactStore(root), 'w', 'test', overwrite=True)
    return ClassCyclePolicy(
        dataset,
        class_stats='w',
        artifact_root=str(root),
        shuffle=False,
        **options,
    )


def authors_file(path, weights):
    """What ``compute_IS_weights.py`` saves."""
    content = {
        f'{stem}{SUFFIX}': {
            np.uint8(c): np.float64(share) for c, share in entry.items()
        }
        for stem, entry in weights.items()
    }
    torch.save(content, path)


WEIGHTS = {
    'a_0': {3: 0.25, 0: 0.25},
    'a_1': {3: 0.75, 0: 0.25},
    'a_2': {0: 0.25},
    'a_3': {0: 0.25},
}


def test_weights_and_draws_of_the_sheet(dataset, tmp_path, monkeypatch):
    """Oracle 19."""
    policy = policy_of(
        dataset, tmp_path, stats_of(COUNTS), uniform_classes=['truck']
    )
    np.testing.assert_allclose(
        policy.cumulative[3], [0.25, 0.875, 0.9375, 1], rtol=1e-15
    )
    np.testing.assert_allclose(policy.cumulative[14], [0.25, 0.5, 0.75, 1])
    assert policy.class_of(0, 0, 22) == 3

    class Draw:
        def random(self):
            return u

    monkeypatch.setattr(class_policies, 'draw_generator', lambda *_: Draw())
    found = []
    for u in (0.25, 0.26, 0.9):  # noqa: B007
        found.append(policy.index(0, 0, 22))
    assert found == [0, 1, 2]


@pytest.mark.parametrize('names', ['numpy 2', 'numpy 1', 'old zip-less'])
def test_files_of_the_authors(tmp_path, names):
    path = tmp_path / 'weights.data'
    authors_file(path, WEIGHTS)
    if names == 'numpy 1':
        _rename(path, b'numpy._core.multiarray', b'numpy.core.multiarray')
    if names == 'old zip-less':
        content = torch.load(path, weights_only=False)
        torch.save(content, path, _use_new_zipfile_serialization=False)
    assert read_sac_weights(path) == WEIGHTS
    stats = import_sac(path, VIEW)
    assert stats.unit == 'share' and stats.names == tuple(WEIGHTS)
    np.testing.assert_array_equal(stats.counts[:, 3], [0.25, 0.75, 0, 0])


def _rename(path, old, new):
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert any(old in part for part in parts.values())
    with zipfile.ZipFile(path, 'w') as archive:
        for name, part in parts.items():
            archive.writestr(name, part.replace(old, new))


def test_imported_shares_draw_like_the_pixels(dataset, tmp_path):
    path = tmp_path / 'weights.data'
    authors_file(path, WEIGHTS)
    shares = policy_of(dataset, tmp_path, import_sac(path, VIEW))
    pixels = policy_of(dataset, tmp_path, stats_of(COUNTS))
    np.testing.assert_allclose(
        shares.cumulative, pixels.cumulative, rtol=1e-15
    )
    policy_of(dataset, tmp_path, import_sac(path, VIEW))
    with pytest.raises(ValueError, match='serve ClassCyclePolicy only'):
        RareClassPolicy(dataset, class_stats='w', artifact_root=str(tmp_path))


def test_json_round_trip(tmp_path):
    path = tmp_path / 'weights.json'
    export_sac(stats_of(COUNTS), path)
    assert json.loads(path.read_text())['a_1'] == {'0': 0.25, '3': 0.75}
    assert read_sac_weights(path) == WEIGHTS
    again = tmp_path / 'again.json'
    export_sac(import_sac(path, VIEW), again)
    assert again.read_text() == path.read_text()
    with pytest.raises(FileExistsError, match='another name or --overwrite'):
        export_sac(stats_of(COUNTS), path)
    export_sac(stats_of(COUNTS), path, overwrite=True)
    twins = stats_of(COUNTS[:2], ('a/x', 'b/x'))
    with pytest.raises(ValueError, match='2 images have 1 different file'):
        export_sac(twins, tmp_path / 'twins.json')


def test_pickled_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / 'ran'), 'w')

    path = tmp_path / 'evil.data'
    torch.save({'x': Evil()}, path)
    with pytest.raises(ValueError, match='refused, it holds more than'):
        read_sac_weights(path)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'a': {'26': 1.0}}, 'class id 26 of a is not a train ID .* the cs/'),
        ({'a': {'3': 1.5}}, r'share 1.5 of class 3 in a is outside \[0, 1\]'),
        ({'a': {'3': 0.5}}, 'class 3 sum to 0.500000, expected 1'),
        ({'a': {'3': float('nan')}}, 'share that is not finite'),
        ({'a': [1]}, 'are no importance weights'),
        ({'a.png': {}, 'a': {}}, '2 entries of 1 different images'),
        ({}, 'names no image'),
    ],
)
def test_bad_files(tmp_path, content, message):
    path = tmp_path / 'bad.json'
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        import_sac(path, VIEW)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='leave ClassCyclePolicy out'):
        import_sac(tmp_path / 'none.data', VIEW)
    path = tmp_path / 'cut.data'
    buffer = io.BytesIO()
    torch.save({'a': {0: 1.0}}, buffer)
    path.write_bytes(buffer.getvalue()[:200])
    with pytest.raises(ValueError, match='broken or truncated'):
        import_sac(path, VIEW)
    path = tmp_path / 'cut.json'
    path.write_text('{"a": {"0"')
    with pytest.raises(ValueError, match='is no JSON file'):
        import_sac(path, VIEW)


def test_weights_of_other_images(dataset, tmp_path, monkeypatch):
    """Both counts, up to five missing and five unknown names."""
    names = ('a_0', 'a_1', *(f'b_{i}' for i in range(7)))
    counts = np.ones((9, 19), np.int64)
    with pytest.raises(ValueError) as caught:
        policy_of(dataset, tmp_path, stats_of(counts, names))
    text = str(caught.value)
    assert "2 of 4 images have no class statistics, e.g. ['a/a_2'" in text
    assert 'of 9 images, 7 of them others' in text
    assert "['b_0', 'b_1', 'b_2', 'b_3', 'b_4']" in text
    said = []
    monkeypatch.setattr(
        dataset_counts, 'print_log', lambda text, **_: said.append(text)
    )
    names = ('a_0', 'a_1', 'a_2', 'a_3', 'b_0')
    policy_of(dataset, tmp_path, stats_of(counts[:5], names))
    assert '5 entries, the dataset 4 images; not in the dataset' in said[0]
    with pytest.raises(FileNotFoundError, match='--checkpoint FILE'):
        ClassCyclePolicy(
            dataset, class_stats='none', artifact_root=str(tmp_path)
        )


def _png(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


def test_folder_of_predictions(tmp_path):
    """``cs/`` below the folder has the same names and is left alone."""
    folder = tmp_path / 'out'
    _png(folder / f'a_0{SUFFIX}', [[3, 3], [0, 18]])
    _png(folder / f'a_1{SUFFIX}', [[3, 255], [0, 0]])
    _png(folder / f'cs/a_0{SUFFIX}', [[11, 11], [7, 33]])
    store = ArtifactStore(tmp_path / 'artifacts')
    files = sac_labels_in_folder(folder, VIEW)
    stats = make_class_stats(files, store, 'w', workers=1)
    assert stats.names == ('a_0', 'a_1')
    assert stats.counts[:, [0, 3, 18]].tolist() == [[1, 2, 1], [2, 1, 0]]
    assert load_class_stats(store, 'w').unit == 'pixels'
    with pytest.raises(FileExistsError):
        make_class_stats(files, store, 'w', workers=1)


def test_bad_folders_of_predictions(tmp_path):
    def count(folder):
        store = ArtifactStore(tmp_path / f'artifacts_{folder.name}')
        files = sac_labels_in_folder(folder, VIEW)
        make_class_stats(files, store, 'w', workers=1)

    with pytest.raises(FileNotFoundError, match=r'no files \*_gtFine.*none'):
        count(tmp_path / 'none')
    _png(tmp_path / f'cs/a{SUFFIX}', [[26, 0]])
    with pytest.raises(ValueError, match=r'26 \(1 px\).*pass the cs/ folder'):
        count(tmp_path / 'cs')
    _png(tmp_path / f'rgb/a{SUFFIX}', np.zeros((2, 2, 3)))
    with pytest.raises(ValueError, match='this PNG is 8-bit RGB'):
        count(tmp_path / 'rgb')
    (tmp_path / 'deep').mkdir()
    deep = np.zeros((2, 2), np.uint16)
    cv2.imwrite(str(tmp_path / f'deep/a{SUFFIX}'), deep)
    with pytest.raises(ValueError, match='this PNG is 16-bit grey'):
        count(tmp_path / 'deep')
