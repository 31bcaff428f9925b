# SPDX-License-Identifier: Apache-2.0
"""Class pixel counts: exact, stored, resumed, exchanged with DAFormer."""

import io
import json

import cv2
import numpy as np
import pytest
import torch
import two_ranks
from PIL import Image

from mmseg_da.datasets import GTADataset
from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.conversion import class_stats as module
from mmseg_da.datasets.conversion import stats_artifact
from mmseg_da.datasets.conversion.class_stats import (
    ClassStats,
    class_stats_of,
    class_stats_of_folder,
)
from mmseg_da.datasets.conversion.daformer_files import (
    export_daformer,
    import_daformer,
)
from mmseg_da.datasets.conversion.dataset_counts import dataset_class_counts
from mmseg_da.datasets.conversion.label_files import labels_of_dataset
from mmseg_da.datasets.conversion.stats_artifact import (
    default_key,
    load_class_stats,
    make_class_stats,
    store_class_stats,
)
from mmseg_da.datasets.conversion.train_ids import convert_train_ids
from mmseg_da.engine.artifacts import ArtifactStore

VIEW = get_class_view('cityscapes19')


@pytest.fixture
def gta(street_world):
    return GTADataset(data_root=str(street_world / 'gta'))


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / 'artifacts')


def expected_counts(dataset):
    """By an independent reading: OpenCV cannot, Pillow can."""
    rows = []
    for i in range(len(dataset)):
        raw = np.array(Image.open(dataset.get_data_info(i)['seg_map_path']))
        train = VIEW.lut('gta')[raw]
        rows.append([np.count_nonzero(train == c) for c in range(19)])
    return np.array(rows)


def test_counts_are_the_pixels(gta):
    stats = class_stats_of(gta, workers=1)
    np.testing.assert_array_equal(stats.counts, expected_counts(gta))
    assert stats.counts.dtype == np.int64
    assert stats.names[0] == '00001' and stats.class_view == 'cityscapes19'


def test_predictions_count_like_labels(gta, tmp_path):
    convert_train_ids(gta, tmp_path)
    stats = class_stats_of_folder(tmp_path, VIEW, '_labelTrainIds.png')
    np.testing.assert_array_equal(stats.counts, expected_counts(gta))
    assert stats.names == class_stats_of(gta).names
    with pytest.raises(FileNotFoundError, match=r"ending in '\.tif'"):
        class_stats_of_folder(tmp_path, VIEW, '.tif')
    cv2.imwrite(str(tmp_path / 'odd.png'), np.full((4, 4), 33, np.uint8))
    with pytest.raises(ValueError, match=r'odd\.png: ids unknown'):
        class_stats_of_folder(tmp_path, VIEW)


def test_artifact_round_trip_and_resume(gta, store, monkeypatch):
    monkeypatch.setattr(stats_artifact, '_CHUNK', 3)
    files = labels_of_dataset(gta)
    whole = make_class_stats(files, store, 'whole', workers=1)
    np.testing.assert_array_equal(whole.counts, expected_counts(gta))

    calls = []
    count = module._count_file

    def counted(*args):
        calls.append(args[-1])
        if len(calls) == 5:
            raise ValueError('stopped')
        return count(*args)

    monkeypatch.setattr(module, '_count_file', counted)
    with pytest.raises(ValueError, match='stopped'):
        make_class_stats(files, store, 'cut', workers=1)
    with pytest.raises(FileNotFoundError, match='was interrupted'):
        load_class_stats(store, 'cut')
    resumed = make_class_stats(files, store, 'cut', workers=1)
    # The first chunk of three is not counted again.
    assert len(calls) == 5 + 5
    assert resumed.names == whole.names
    np.testing.assert_array_equal(resumed.counts, whole.counts)


def test_artifacts_are_checked(gta, store):
    make_class_stats(labels_of_dataset(gta), store, 'a', workers=1)
    with pytest.raises(ValueError, match='class_view is cityscapes19, exp'):
        load_class_stats(store, 'a', 'cityscapes16')
    empty = ClassStats(('x',), np.zeros((1, 19), np.int64), VIEW.name, ('c',))
    store_class_stats(empty, store, 'empty', 'nowhere')
    with pytest.raises(ValueError, match='counts of shape'):
        load_class_stats(store, 'empty')
    empty = ClassStats(
        ('x',), np.zeros((1, 19), np.int64), VIEW.name, VIEW.classes
    )
    store_class_stats(empty, store, 'none', 'nowhere')
    with pytest.raises(ValueError, match='no pixel of any class'):
        load_class_stats(store, 'none')


def test_missing_statistics_give_the_command(gta, store):
    with pytest.raises(FileNotFoundError) as caught:
        dataset_class_counts(gta, 'RareClassPolicy', str(store.root))
    text = str(caught.value)
    assert text.startswith('RareClassPolicy: artefact')
    assert '--key gta-all-cityscapes19' in text
    assert "compute='on_demand'" in text
    unlabeled = GTADataset(data_root=gta.data_root, labeled=False)
    with pytest.raises(FileNotFoundError, match='--labels FOLDER'):
        dataset_class_counts(
            unlabeled, 'X', str(store.root), compute='on_demand'
        )
    with pytest.raises(ValueError, match="compute='later'"):
        dataset_class_counts(gta, 'X', str(store.root), compute='later')


def test_on_demand_counts_once(gta, store, monkeypatch):
    root = str(store.root)
    counts = dataset_class_counts(gta, 'X', root, compute='on_demand')
    np.testing.assert_array_equal(counts, expected_counts(gta))
    monkeypatch.setattr(stats_artifact, 'count_labels', None)
    again = dataset_class_counts(gta, 'X', root, compute='on_demand')
    np.testing.assert_array_equal(again, counts)


def test_another_folder_with_the_same_names(gta, store, raw_folders):
    """Counts of other files are never used silently."""
    for i in range(1, 9):
        folder = raw_folders.root / 'gta'
        raw_folders.image(folder / f'images/{i:05d}.png')
        labels = raw_folders.labels(7 + i % 2)
        raw_folders.palette(folder / f'labels/{i:05d}.png', labels)
    other = GTADataset(data_root=str(folder))
    assert default_key(other) == default_key(gta)
    root = str(store.root)
    make_class_stats(labels_of_dataset(gta), store, default_key(gta), 1)
    with pytest.raises(ValueError) as caught:
        dataset_class_counts(other, 'X', root)
    for text in (
        f'counted in {gta.data_root}/labels, but 8 of 8 label files in',
        f'{other.data_root}/labels have another content',
        '--overwrite',
    ):
        assert text in str(caught.value)
    found = dataset_class_counts(other, 'X', root, compute='on_demand')
    np.testing.assert_array_equal(found, expected_counts(other))
    with pytest.raises(ValueError, match='8 of 8 label files'):
        dataset_class_counts(gta, 'X', root)


def test_one_label_file_that_was_changed(raw_folders, store):
    dataset = GTADataset(data_root=str(raw_folders.gta(3)))
    part = GTADataset(data_root=dataset.data_root, indices=[0])
    root, key = str(store.root), default_key(dataset)
    make_class_stats(labels_of_dataset(dataset), store, key, 1)
    path = raw_folders.root / 'gta/labels/00002.png'
    raw_folders.palette(path, raw_folders.labels(*range(35))[::-1])
    with pytest.raises(ValueError, match='1 of 3 label files') as caught:
        dataset_class_counts(dataset, 'X', root)
    assert '00002.png' in str(caught.value)
    # Statistics of the whole set still serve the files that are the same.
    assert dataset_class_counts(part, 'X', root, key).shape == (1, 19)


def test_statistics_of_an_older_version_are_refused(gta, store):
    stats = class_stats_of(gta)
    with store.writer(
        stats_artifact.KIND,
        'old',
        {'name': 'x'},
        class_view=VIEW.name,
        meta=stats_artifact._meta(stats.names, stats.classes),
    ) as writer:
        buffer = io.BytesIO()
        np.savez(buffer, names=np.array(stats.names), counts=stats.counts)
        name = 'counts/00000.npz'
        writer.write(name, {name: buffer.getvalue()})
    with pytest.raises(ValueError, match='an older version wrote it'):
        load_class_stats(store, 'old')


def test_raw_ids_are_not_counted_as_train_ids(tmp_path):
    suffix = '_gtFine_labelIds.png'
    with pytest.raises(ValueError, match='--suffix _leftImg8bit.png'):
        class_stats_of_folder(tmp_path, VIEW, suffix)


def test_label_budget_is_respected(gta, store):
    """On demand, only the labels of the chosen images are opened."""
    part = GTADataset(data_root=gta.data_root, indices=[1, 4])
    assert default_key(part) != default_key(gta)
    counts = dataset_class_counts(
        part, 'X', str(store.root), compute='on_demand'
    )
    np.testing.assert_array_equal(counts, expected_counts(gta)[[1, 4]])
    stats = load_class_stats(store, default_key(part))
    assert stats.names == ('00002', '00005')
    with pytest.raises(ValueError, match='6 of 8 images have no class stat'):
        dataset_class_counts(gta, 'X', str(store.root), default_key(part))


def test_rows_are_found_by_name(gta):
    stats = class_stats_of(gta)
    rows = stats.rows_of(['deep/00003', '00001'])
    np.testing.assert_array_equal(rows, stats.counts[[2, 0]])
    with pytest.raises(ValueError, match=r"no class statistics, e.g. \['9'\]"):
        stats.rows_of(['00001', '9'])


def test_daformer_files(gta, tmp_path):
    stats = class_stats_of(gta)
    export_daformer(stats, tmp_path)
    back = import_daformer(tmp_path, VIEW)
    assert back.names == stats.names
    np.testing.assert_array_equal(back.counts, stats.counts)
    with_class = json.loads((tmp_path / 'samples_with_class.json').read_text())
    first = int(np.flatnonzero(stats.counts[0])[0])
    path, pixels = with_class[str(first)][0]
    assert path == '00001_labelTrainIds.png'
    assert pixels == stats.counts[0, first]
    by_path = json.loads(
        (tmp_path / 'sample_class_stats_dict.json').read_text()
    )
    assert sum(by_path[path].values()) == stats.counts[0].sum()


@pytest.mark.parametrize(
    ('text', 'part'),
    [
        ('{"a": 1}', 'is no sample_class_stats.json'),
        ('[{"19": 4, "file": "a.png"}]', "entry '19'"),
        ('[{"1": 4}]', "'file'"),
        ('[{"1": 4, "file": "a.png"}, {"file": "a.png"}]', '2 files, 1 diff'),
        ('nonsense', 'is no sample_class_stats.json'),
    ],
)
def test_broken_daformer_files(tmp_path, text, part):
    (tmp_path / 'sample_class_stats.json').write_text(text)
    with pytest.raises(ValueError, match=part):
        import_daformer(tmp_path, VIEW)
    with pytest.raises(FileNotFoundError, match='dataset converters'):
        import_daformer(tmp_path / 'none.json', VIEW)


def _count_rank(rank, data_root, root, init_file, out):
    stats_artifact._CHUNK = 3
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{init_file}', rank=rank, world_size=2
    )
    dataset = GTADataset(data_root=data_root)
    counts = dataset_class_counts(dataset, 'X', root, compute='on_demand')
    np.save(f'{out}/rank{rank}.npy', counts)


@pytest.mark.dist
def test_processes_share_the_counting(gta, store, tmp_path):
    arguments = (
        gta.data_root,
        str(store.root),
        str(tmp_path / 'meeting'),
        str(tmp_path),
    )
    two_ranks.start(_count_rank, *arguments)
    for rank in (0, 1):
        found = np.load(tmp_path / f'rank{rank}.npy')
        np.testing.assert_array_equal(found, expected_counts(gta))
