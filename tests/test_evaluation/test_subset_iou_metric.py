# SPDX-License-Identifier: Apache-2.0
import json
import re

import numpy as np
import pytest
import torch
from mmengine.dist import collect_results
from mmengine.evaluator import Evaluator
from mmseg.evaluation import IoUMetric

from mmseg_da.datasets.class_views import SUBSETS, get_class_view
from mmseg_da.evaluation import SubsetIoUMetric, subset_iou_metric

VIEW = get_class_view('cityscapes19')
META = {
    'classes': VIEW.classes,
    'palette': VIEW.palette,
    'class_view': 'cityscapes19',
}


def sample(pred, label, **more):
    return {
        'pred_sem_seg': {'data': torch.as_tensor(pred)[None]},
        'gt_sem_seg': {'data': torch.as_tensor(label)[None]},
        'img_path': 'a/ulm_000000_000019_leftImg8bit.png',
        **more,
    }


def random_samples(count=3, seed=0, classes=19):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        label = rng.integers(0, classes, (20, 30))
        pred = np.where(rng.random((20, 30)) < 0.7, label, 2)
        label[rng.random((20, 30)) < 0.1] = 255
        yield sample(pred, label)


def evaluate(samples, meta=META, **settings):
    metric = SubsetIoUMetric(**settings)
    metric.dataset_meta = meta
    samples = list(samples)
    metric.process(None, samples)
    return metric.evaluate(len(samples)), metric


def test_by_hand():
    meta = {'classes': ('a', 'b', 'c', 'd')}
    # 2 images: a 2/4, b 1/4, c 0/1, d nowhere.
    images = [
        sample([[0, 0, 1, 1]], [[0, 0, 0, 1]]),
        sample([[0, 1, 2, 2]], [[1, 2, 255, 255]]),
    ]
    scores, metric = evaluate(images, meta, subsets={'_ad': ['a', 'd']})
    assert scores == {
        'aAcc': 50.0,
        'mIoU': 25.0,
        'mAcc': pytest.approx(100 * (2 / 3 + 1 / 2 + 0) / 3),
        'mIoU_ad': 50.0,
        'IoU.a': 50.0,
        'IoU.b': 25.0,
        'IoU.c': 0.0,
    }
    assert all(type(value) is float for value in scores.values())
    json.dumps(scores, allow_nan=False)
    assert metric.last_confusion.sum() == 6


def test_equals_mmseg_iou_metric():
    ours, _ = evaluate(random_samples())
    theirs = IoUMetric()
    theirs.dataset_meta = META
    theirs.process(None, list(random_samples()))
    for key, value in theirs.evaluate(3).items():
        assert ours[key] == pytest.approx(value, abs=0.005001), key


def test_subsets_of_the_view():
    scores, _ = evaluate(random_samples())
    for subset, names in SUBSETS['cityscapes19'].items():
        mean = np.mean([scores[f'IoU.{name}'] for name in names])
        assert scores[f'mIoU{subset}'] == pytest.approx(mean, abs=1e-10)
    assert scores['mIoU16'] != scores['mIoU13'] != scores['mIoU']


def test_dropped_classes_still_count_as_errors():
    """A road pixel taken for terrain (not among the 16) is a miss."""
    road, terrain = VIEW.classes.index('road'), VIEW.classes.index('terrain')
    scores, _ = evaluate([sample([[road, terrain]], [[road, road]])])
    assert scores['mIoU16'] == 50.0


def test_view_is_found_by_its_classes():
    """mmseg's own data sets name no class view."""
    scores, _ = evaluate(random_samples(), {'classes': VIEW.classes})
    assert 'mIoU16' in scores and 'mIoU13' in scores


def test_absent_class_is_nan_in_the_table_only(monkeypatch):
    lines = []
    monkeypatch.setattr(
        subset_iou_metric, 'print_log', lambda text, **_: lines.append(text)
    )
    scores, _ = evaluate([sample([[0, 1]], [[0, 1]])])
    assert re.search(r'train +\| +nan \| +nan', lines[-1])
    assert re.search(r'road +\| 100\.00 \| 100\.00 \| +x \|', lines[-1])
    assert 'IoU.train' not in scores
    assert scores['mIoU'] == 100.0


def test_absent_classes_can_count_as_zero():
    """SAC sheet, oracle 25; terrain, truck and train are not in the 16."""
    present = [c for c in range(19) if c not in (0, 14)]
    images = [sample([present], [present])]
    scores, _ = evaluate(images, absent='zero')
    assert scores['mIoU'] == pytest.approx(100 * 17 / 19)
    assert scores['mIoU16'] == pytest.approx(100 * 15 / 16)
    assert 'IoU.truck' not in scores
    scores, _ = evaluate(images)
    assert scores['mIoU'] == scores['mIoU16'] == 100.0
    with pytest.raises(ValueError, match=r"absent='nan'; allowed: skip, zero"):
        SubsetIoUMetric(absent='nan')


def test_padding_duplicates_are_dropped():
    """A sampler repeats images to fill the last batch of each process."""
    samples = list(random_samples(4))
    metric = SubsetIoUMetric()
    metric.dataset_meta = META
    metric.process(None, samples)
    first, _ = evaluate(samples[:3])
    assert len(collect_results(metric.results, 3)) == 3
    assert metric.evaluate(3) == first


def test_second_evaluation_starts_afresh():
    metric = SubsetIoUMetric()
    metric.dataset_meta = META
    for seed in (1, 2):
        metric.process(None, list(random_samples(seed=seed)))
        scores = metric.evaluate(3)
    assert scores == evaluate(random_samples(seed=2))[0]


def test_in_an_evaluator_with_prefix():
    evaluator = Evaluator({'type': 'SubsetIoUMetric', 'prefix': 'teacher'})
    evaluator.dataset_meta = META
    evaluator.process(list(random_samples()))
    assert 'teacher/mIoU' in evaluator.evaluate(3)


def test_confusion_file(tmp_path):
    path = tmp_path / 'new' / 'confusion.npz'
    _, metric = evaluate(random_samples(), confusion_file=str(path))
    with np.load(path, allow_pickle=False) as content:
        assert np.array_equal(content['confusion'], metric.last_confusion)
        assert content['confusion'].dtype == np.int64
        assert tuple(content['classes']) == VIEW.classes
        assert str(content['class_view']) == 'cityscapes19'
    assert [file.name for file in path.parent.iterdir()] == ['confusion.npz']


@pytest.mark.parametrize(
    ('settings', 'change', 'meta', 'message'),
    [
        (
            {'class_view': 'camvid11'},
            {},
            META,
            "but .*='cityscapes19'",
        ),
        ({}, {'img': 1, 'gt_sem_seg': None}, META, 'no label to compare'),
        (
            {},
            {'seg_logits': {'data': torch.zeros(11, 1, 1)}},
            META,
            'predicts 11 classes, but cityscapes19 has 19',
        ),
        (
            {},
            {'pred_sem_seg': {'data': torch.full((1, 20, 30), 19)}},
            META,
            'leftImg8bit.png: prediction holds the value 19',
        ),
        (
            {},
            {'gt_sem_seg': {'data': torch.full((1, 20, 30), 33)}},
            META,
            'label holds the value 33.*LoadRawLabels',
        ),
        (
            {},
            {'gt_sem_seg': {'data': torch.zeros(1, 9, 9).long()}},
            META,
            'differ in size',
        ),
        ({}, {}, {}, 'no classes in its metainfo'),
        ({'subsets': {'x': ['rode']}}, {}, META, r"\['rode'\]; allowed are"),
        ({'subsets': {'x': []}}, {}, META, "subsets\\['x'\\] has no class"),
    ],
)
def test_bad_input(settings, change, meta, message):
    bad = {**next(random_samples()), **change}
    bad = {key: value for key, value in bad.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        evaluate([bad], meta, **settings)


def test_confusion_file_name():
    with pytest.raises(ValueError, match=r"'x\.npy' must end in \.npz"):
        SubsetIoUMetric(confusion_file='x.npy')
