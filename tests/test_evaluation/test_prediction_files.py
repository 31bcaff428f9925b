# SPDX-License-Identifier: Apache-2.0
import json
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import two_ranks
from PIL import Image
from tiny_cityscapes import SIZE, write_frames

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.evaluation import (
    CityscapesSubmission,
    PredictionWriter,
    SubsetIoUMetric,
    prediction_writer,
    score_cityscapes,
)

NAME = 'ulm_000000_000019'


def meta_of(name):
    view = get_class_view(name)
    return {
        'classes': view.classes,
        'palette': view.palette,
        'class_view': name,
    }


def run(metric, samples, view='cityscapes19'):
    metric.dataset_meta = meta_of(view)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def sample(ids, name=f'{NAME}_leftImg8bit.png', **more):
    ids = np.asarray(ids)
    return {
        'pred_sem_seg': {'data': torch.as_tensor(ids)[None]},
        'img_path': f'images/{name}',
        'ori_shape': ids.shape,
        **more,
    }


def labelled_samples(root, view='cityscapes19', count=4):
    """Noisy copies of the labels as predictions."""
    lut = get_class_view(view).lut('cityscapes')
    classes = get_class_view(view).num_classes
    rng = np.random.default_rng(1)
    for name in write_frames(root, 'val', count, seed=2):
        folder = root / 'gtFine' / 'val' / name.split('_')[0]
        path = folder / f'{name}_gtFine_labelIds.png'
        label = lut[np.asarray(Image.open(path))]
        noise = rng.integers(0, classes, SIZE)
        keep = (label != 255) & (rng.random(SIZE) < 0.6)
        yield sample(
            np.where(keep, label, noise).astype(np.int64),
            f'{name}_leftImg8bit.png',
            gt_sem_seg={'data': torch.as_tensor(label)[None]},
            seg_map_path=str(path),
        )


def test_round_trip_equals_the_confusion_metric(tmp_path):
    samples = list(labelled_samples(tmp_path))
    ours = run(SubsetIoUMetric(), samples)
    official = run(CityscapesSubmission(tmp_path / 'out'), samples)
    shared = [key for key in ours if key.startswith(('mIoU', 'IoU'))]
    assert len(shared) == 3 + 19
    for key in shared:
        assert official[f'cityscapes/{key}'] == pytest.approx(
            ours[key], abs=1e-6
        ), key
    again = score_cityscapes(
        tmp_path / 'out' / 'label_ids', tmp_path / 'gtFine' / 'val'
    )
    assert again['mIoU'] == official['cityscapes/mIoU']


def test_sixteen_classes(tmp_path):
    samples = list(labelled_samples(tmp_path, 'cityscapes16'))
    scores = run(CityscapesSubmission(tmp_path / 'o'), samples, 'cityscapes16')
    classes = get_class_view('cityscapes16').classes
    mean = np.mean([scores[f'cityscapes/IoU.{name}'] for name in classes])
    assert scores['cityscapes/mIoU16'] == pytest.approx(mean)
    assert scores['cityscapes/IoU.train'] == 0.0
    assert scores['cityscapes/mIoU'] < scores['cityscapes/mIoU16']
    assert 'cityscapes/mIoU13' in scores


def test_files_of_a_submission(tmp_path):
    out = tmp_path / 'out'
    scores = run(
        CityscapesSubmission(out, color=True), [sample([[0, 18, 13]])]
    )
    assert scores == {}
    png = Image.open(out / 'label_ids' / f'{NAME}_pred_labelIds.png')
    assert png.mode == 'L' and np.asarray(png).tolist() == [[7, 33, 26]]
    color = Image.open(out / 'color' / f'{NAME}_pred_labelIds.png')
    assert np.asarray(color)[0, 0].tolist() == [128, 64, 128]
    with zipfile.ZipFile(out / 'submission.zip') as archive:
        assert archive.namelist() == [f'{NAME}_pred_labelIds.png']
        assert archive.testzip() is None
    assert not list(out.rglob('.*'))


def test_format_only_and_missing_labels_give_no_scores(tmp_path):
    samples = list(labelled_samples(tmp_path, count=2))
    metric = CityscapesSubmission(tmp_path / 'a', format_only=True)
    assert run(metric, samples) == {}
    samples[1]['seg_map_path'] = str(tmp_path / 'none_gtFine_labelIds.png')
    metric = CityscapesSubmission(tmp_path / 'b', make_zip=False)
    assert run(metric, samples) == {}
    assert not (tmp_path / 'b' / 'submission.zip').exists()
    assert len(list((tmp_path / 'b' / 'label_ids').iterdir())) == 2


def test_labels_in_archives_need_to_be_unpacked(tmp_path, monkeypatch):
    logged = []
    monkeypatch.setattr(
        'mmseg_da.evaluation.cityscapes_submission.print_log',
        lambda text, **_: logged.append(text),
    )
    samples = list(labelled_samples(tmp_path, count=2))
    for item in samples:
        name = Path(item['seg_map_path']).name
        item['seg_map_path'] = f'gtFine_trainvaltest.zip/gtFine/val/{name}'
    assert run(CityscapesSubmission(tmp_path / 'a'), samples) == {}
    assert len(logged) == 1
    assert 'gtFine_trainvaltest.zip/gtFine/val/' in logged[0]
    assert 'no official scores' in logged[0] and 'Unpack' in logged[0]
    run(CityscapesSubmission(tmp_path / 'b', format_only=True), samples)
    assert len(logged) == 1


def test_own_folder_is_written_again_and_keeps_old_files(tmp_path):
    out = tmp_path / 'out'
    other = 'ulm_000001_000019'
    run(CityscapesSubmission(out), [sample([[0]], f'{other}_leftImg8bit.png')])
    run(CityscapesSubmission(out), [sample([[1]])])
    run(CityscapesSubmission(out), [sample([[2]])])
    png = Image.open(out / 'label_ids' / f'{NAME}_pred_labelIds.png')
    assert np.asarray(png).item() == 11
    assert (out / 'label_ids' / f'{other}_pred_labelIds.png').exists()
    with zipfile.ZipFile(out / 'submission.zip') as archive:
        assert archive.namelist() == [f'{NAME}_pred_labelIds.png']


@pytest.mark.parametrize('metric', [CityscapesSubmission, PredictionWriter])
def test_foreign_folder_is_refused_untouched(tmp_path, metric):
    (tmp_path / 'thesis.tex').write_text('x')
    with pytest.raises(FileExistsError, match='not empty and was not written'):
        metric(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['thesis.tex']
    with pytest.raises(FileExistsError, match=r"thesis\.tex' is a file"):
        metric(tmp_path / 'thesis.tex')


def test_folder_of_a_killed_run_can_be_used_again(tmp_path, monkeypatch):
    """Killed while the marker is written, or right after it."""
    (tmp_path / '.predictions.json.12.tmp').write_text('{"for')
    with monkeypatch.context() as patch:
        patch.setattr(Path, 'mkdir', killed_at_train_ids)
        with pytest.raises(KeyboardInterrupt):
            PredictionWriter(tmp_path)
    assert not (tmp_path / 'train_ids').exists()
    PredictionWriter(tmp_path)
    assert (tmp_path / 'train_ids').is_dir()


def killed_at_train_ids(path, mode=0o777, parents=False, exist_ok=False):
    if path.name == 'train_ids':
        raise KeyboardInterrupt
    os.makedirs(path, mode, exist_ok)


def test_folder_of_the_other_kind_is_refused(tmp_path):
    PredictionWriter(tmp_path)
    with pytest.raises(FileExistsError, match='that writes label_ids'):
        CityscapesSubmission(tmp_path)


def test_prediction_writer(tmp_path):
    writer = PredictionWriter(tmp_path / 'out')
    assert run(writer, [sample([[3, 10]], '0016E5_01.png')], 'camvid11') == {}
    png = Image.open(tmp_path / 'out' / 'train_ids' / '0016E5_01.png')
    assert np.asarray(png).tolist() == [[3, 10]]
    marker = json.loads((tmp_path / 'out' / 'predictions.json').read_text())
    assert marker['kind'] == 'train_ids'
    assert marker['classes'] == list(get_class_view('camvid11').classes)


@pytest.mark.parametrize(
    ('bad', 'view', 'message'),
    [
        (sample([[0]], '0016E5_01.png'), 'cityscapes19', 'named like a City'),
        (
            sample([[19]]),
            'cityscapes19',
            r'ids 19\.\.19, expected 0\.\.18',
        ),
        (sample([[0]], ori_shape=(4, 4)), 'cityscapes19', r'has \(4, 4\)'),
        (sample([[0]]), 'vistas7', 'merges the cityscapes ids'),
    ],
)
def test_bad_input(tmp_path, bad, view, message):
    with pytest.raises(ValueError, match=message):
        run(CityscapesSubmission(tmp_path / 'out'), [bad], view)


def test_same_frame_twice(tmp_path):
    with pytest.raises(ValueError, match='1 predictions were written twice'):
        run(CityscapesSubmission(tmp_path / 'out'), [sample([[0]])] * 2)


def test_view_must_be_known(tmp_path):
    metric = CityscapesSubmission(tmp_path / 'out')
    metric.dataset_meta = {'classes': ('a', 'b'), 'palette': [[0, 0, 0]] * 2}
    with pytest.raises(ValueError, match='needs the class view of the data'):
        metric.process(None, [sample([[0]])])


@pytest.mark.dist
def test_a_process_waits_until_the_first_has_claimed_the_folder(tmp_path):
    folder, foreign = tmp_path / 'out', tmp_path / 'foreign'
    foreign.mkdir()
    (foreign / 'thesis.txt').write_text('mine')
    port = two_ranks.port_of(tmp_path)
    two_ranks.start(_write_as_a_rank, folder, foreign, port)
    assert {path.name for path in (folder / 'train_ids').iterdir()} == {
        'frame0_leftImg8bit.png',
        'frame1_leftImg8bit.png',
    }
    assert [path.name for path in foreign.iterdir()] == ['thesis.txt']


def _write_as_a_rank(rank, folder, foreign, port):
    address = f'tcp://127.0.0.1:{port}'
    torch.distributed.init_process_group(
        'gloo', address, rank=rank, world_size=2
    )
    claim = prediction_writer._claim_folder

    def claim_late(*arguments):
        time.sleep(0.5)
        claim(*arguments)

    prediction_writer._claim_folder = claim_late
    metric = PredictionWriter(folder)
    metric.dataset_meta = meta_of('cityscapes19')
    name = f'frame{rank}_leftImg8bit.png'
    metric.process(None, [sample(np.zeros(SIZE, np.int64), name)])
    with pytest.raises(FileExistsError, match='not empty'):
        PredictionWriter(foreign)
    torch.distributed.destroy_process_group()
