# SPDX-License-Identifier: Apache-2.0
"""Depth errors by hand, the blind predictors, the messages."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from mmseg_da.evaluation import DepthErrors, DepthPictures
from mmseg_da.evaluation.depth_metric import depth_errors, mean_depth_maps
from mmseg_da.evaluation.depth_pictures import color_depth


def sample(prediction, truth, path='a.png'):
    def pack(values):
        return {'data': torch.tensor(values, dtype=torch.float64)[None]}

    return {
        'img_path': path,
        'pred_depth_map': pack(prediction),
        'gt_depth_map': pack(truth),
    }


def test_errors_by_hand():
    values = depth_errors(np.array([2.0, 4.0]), np.array([1.0, 4.0]))
    expected = [
        0.5,
        0.5,
        math.sqrt(0.5),
        math.log(2) / math.sqrt(2),
        0.5,
        0.5,
        0.5,
    ]
    np.testing.assert_allclose(values, expected)


def test_median_scaling_and_range():
    metric = DepthErrors(baseline_stride=0)
    truth = [[2.0, 4.0, 6.0], [0.0, 90.0, 4.0]]
    prediction = [[0.2, 0.4, 0.6], [5.0, 0.1, 0.4]]
    metric.process(None, [sample(prediction, truth)])
    scores = metric.compute_metrics(metric.results)
    assert scores['abs_rel'] == pytest.approx(0, abs=1e-12)
    assert scores['a1'] == 1
    assert scores['scale'] == pytest.approx(10)
    plain = DepthErrors(baseline_stride=0, median_scaling=False)
    plain.process(None, [sample(prediction, truth)])
    assert plain.compute_metrics(plain.results)['abs_rel'] == (
        pytest.approx(0.9)
    )


def test_rows_of_the_own_car_can_be_left_out():
    truth = [[2.0], [2.0], [2.0], [2.0]]
    prediction = [[2.0], [2.0], [2.0], [9.0]]
    for rows, expected in ((1.0, 3.5 / 4), (0.75, 0)):
        metric = DepthErrors(valid_rows=rows, baseline_stride=0)
        metric.process(None, [sample(prediction, truth)])
        scores = metric.compute_metrics(metric.results)
        assert scores['abs_rel'] == pytest.approx(expected)


def test_blind_predictors():
    maps = np.array([[[1.0, 4.0]], [[2.0, 4.0]], [[3.0, 0.0]]])
    valid = maps > 0
    others = mean_depth_maps(maps, valid)
    # The third image's missing pixel takes no part; leave-one-out means.
    expected = [[[2.5, 4.0]], [[2.0, 4.0]], [[1.5, 4.0]]]
    np.testing.assert_allclose(others, expected)
    metric = DepthErrors(baseline_stride=1)
    truths = [[[10.0, 20.0]], [[10.0, 20.0]]]
    metric.process(None, [sample([[1.0, 1.0]], t) for t in truths])
    scores = metric.compute_metrics(metric.results)
    assert scores['mean_map_abs_rel'] == pytest.approx(0)
    # Constant 15: errors 0.5 and 0.25.
    assert scores['constant_abs_rel'] == pytest.approx(0.375)
    assert scores['abs_rel'] == pytest.approx(0.375)


def test_messages():
    metric = DepthErrors()
    with pytest.raises(ValueError, match="LoadDisparity.output='depth'"):
        metric.process(None, [{'img_path': 'a.png'}])
    with pytest.raises(ValueError, match='prediction of .1, 1.'):
        metric.process(None, [sample([[1.0]], [[1.0, 2.0]])])
    with pytest.raises(ValueError, match='diverged'):
        metric.process(None, [sample([[math.nan]], [[1.0]])])
    with pytest.raises(ValueError, match='no pixel of any image'):
        metric.compute_metrics([])
    with pytest.raises(ValueError, match='min_depth=0'):
        DepthErrors(min_depth=0)


def test_pictures(tmp_path):
    path = tmp_path / 'image.png'
    Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(path)
    depth = np.linspace(1, 40, 32).reshape(4, 8)
    pictures = DepthPictures(str(tmp_path / 'out'), limit=1)
    pictures.process(None, [sample(depth, depth, str(path))] * 3)
    assert pictures.compute_metrics(pictures.results) == {}
    (written,) = (tmp_path / 'out').iterdir()
    assert Image.open(written).size == (8, 12)


def test_near_is_bright_and_unknown_is_grey():
    colors = color_depth(np.array([[1.0, 10.0, 0.0, np.inf]]))
    assert colors[0, 0].sum() > colors[0, 1].sum()
    assert (colors[0, 2:] == 128).all()
