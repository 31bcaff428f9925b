# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from sklearn import metrics

from mmseg_da.evaluation import (
    class_accuracy,
    class_iou,
    confusion_matrix,
    pixel_accuracy,
    subset_mean,
)


def ids(*rows):
    return torch.tensor(rows)


def test_matrix_by_hand():
    label = ids([0, 0, 0, 1], [1, 2, 255, 255])
    pred = ids([0, 0, 1, 1], [0, 1, 2, 7])
    matrix = confusion_matrix(pred, label, 4)
    expected = [[2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert matrix.dtype == torch.int64
    assert matrix.tolist() == expected


def test_scores_by_hand():
    matrix = ids([2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0])
    iou = class_iou(matrix)
    assert iou.dtype == torch.float64
    assert iou[:3].tolist() == [2 / 4, 1 / 4, 0.0]
    assert iou[3].isnan()
    assert class_accuracy(matrix)[:3].tolist() == [2 / 3, 1 / 2, 0.0]
    assert class_accuracy(matrix)[3].isnan()
    assert pixel_accuracy(matrix) == 3 / 6
    assert subset_mean(iou) == 0.25
    assert subset_mean(iou, [0, 3]) == 0.5
    assert np.isnan(subset_mean(iou, [3]))
    assert np.isnan(pixel_accuracy(torch.zeros(2, 2, dtype=torch.int64)))


def test_class_only_predicted_counts_as_zero():
    """Present in the prediction, absent in the labels: IoU 0, no accuracy."""
    matrix = confusion_matrix(ids([0, 1]), ids([0, 0]), 3)
    assert class_iou(matrix)[:2].tolist() == [0.5, 0.0]
    assert class_accuracy(matrix)[1].isnan()


@pytest.mark.parametrize('dtype', [torch.uint8, torch.int64])
def test_against_sklearn(dtype):
    rng = np.random.default_rng(3)
    label = rng.integers(0, 20, (37, 53))
    pred = np.where(rng.random((37, 53)) < 0.6, label, (label * 3 + 1) % 19)
    pred[label == 19] = 0
    label[label == 19] = 255
    matrix = confusion_matrix(
        torch.from_numpy(pred).to(dtype), torch.from_numpy(label).to(dtype), 19
    )
    seen = label != 255
    oracle = metrics.confusion_matrix(
        label[seen], pred[seen], labels=range(19)
    )
    assert matrix.tolist() == oracle.tolist()
    jaccard = metrics.jaccard_score(
        label[seen], pred[seen], labels=range(19), average=None
    )
    np.testing.assert_allclose(class_iou(matrix), jaccard, rtol=1e-14)
    recall = metrics.recall_score(
        label[seen], pred[seen], labels=range(19), average=None
    )
    np.testing.assert_allclose(class_accuracy(matrix), recall, rtol=1e-14)


def test_counts_beyond_float32():
    """2^24 + 1 pixels of one class; a float32 histogram loses the last."""
    label = torch.zeros(2**24 + 1, dtype=torch.uint8)
    assert confusion_matrix(label, label, 2)[0, 0].item() == 2**24 + 1


def test_inputs_stay_unchanged_and_all_ignored_is_empty():
    label, pred = ids([3, 255]), ids([3, 1])
    confusion_matrix(pred, label, 4)
    assert label.tolist() == [[3, 255]] and pred.tolist() == [[3, 1]]
    assert confusion_matrix(pred, torch.full((1, 2), 255), 4).sum() == 0


@pytest.mark.parametrize(
    ('pred', 'label', 'message'),
    [
        (ids([0, 1]), ids([0]), r'\(1, 2\) and label \(1, 1\) differ'),
        (
            ids([0, 1]),
            ids([0, 3]),
            r'label holds the value 3, .* 0\.\.2',
        ),
        (ids([0, 1]), ids([0, -1]), 'label holds the value -1'),
        (ids([0, 3]), ids([0, 1]), 'prediction holds the value 3'),
        (ids([0.0, 1.0]), ids([0, 1]), 'prediction must hold integer'),
        (ids([0, 1]), ids([0.0, 1.0]), 'label must hold integer'),
    ],
)
def test_bad_input(pred, label, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(pred, label, 3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_counts_on_the_device_of_the_prediction():
    rng = np.random.default_rng(0)
    label = torch.from_numpy(rng.integers(0, 19, (64, 64)))
    pred = torch.from_numpy(rng.integers(0, 19, (64, 64)))
    matrix = confusion_matrix(pred.cuda(), label, 19)
    assert matrix.is_cuda
    assert matrix.cpu().equal(confusion_matrix(pred, label, 19))


def test_value_like_the_number_of_classes_is_not_ignored():
    with pytest.raises(ValueError, match='label holds the value 3'):
        confusion_matrix(ids([0, 0]), ids([3, 255]), 3)


def test_empty_image():
    empty = torch.zeros(0, 4, dtype=torch.int64)
    assert confusion_matrix(empty, empty, 3).tolist() == [[0] * 3] * 3
