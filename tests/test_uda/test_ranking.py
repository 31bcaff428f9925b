# SPDX-License-Identifier: Apache-2.0
"""Oracles 2, 11 and 12 of the IntraDA sheet, and the rules around them."""

import math

import pytest
import torch

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.uda import ranking


def test_score_of_hand_worked_logits():
    logits = torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)
    score = ranking.ranking_score(logits.view(1, 3, 1, 1))
    assert score.item() == pytest.approx(0.2526, abs=5e-5)
    entropy = ranking.entropy_map(logits.view(1, 3, 1, 1))
    assert entropy.item() == pytest.approx(0.7577, abs=5e-5)


@pytest.mark.parametrize('classes', [4, 19])
def test_uniform_predictions_have_the_highest_score(classes):
    score = ranking.ranking_score(torch.zeros(1, classes, 5, 3))
    assert score.dtype == torch.float64
    assert score.item() == pytest.approx(1 / classes, abs=1e-7)


def test_half_and_half():
    logits = torch.tensor([0.0, 0.0, -200.0, -200.0]).view(1, 4, 1, 1)
    assert ranking.ranking_score(logits).item() == pytest.approx(0.125)


def test_every_image_of_a_batch_has_its_own_score():
    logits = torch.randn(3, 5, 4, 6)
    together = ranking.ranking_score(logits)
    alone = torch.cat([ranking.ranking_score(x[None]) for x in logits])
    torch.testing.assert_close(together, alone, rtol=0, atol=0)


def test_half_precision_logits_give_no_nan():
    logits = torch.tensor([30.0, -30.0, 0.0]).view(1, 3, 1, 1).half()
    score = ranking.ranking_score(logits)
    assert score.isfinite().all()
    assert score.item() < 1e-9


@pytest.mark.parametrize(
    ('count', 'ratio', 'easy'),
    [
        (100, 0.29, 28),
        (2975, 0.67, 1993),
        (2975, 0.7, 2082),
        (2975, 0.5, 1487),
        (2975, 0.6, 1785),
        (3, 0.33, 0),
    ],
)
def test_split_truncates_the_float64_product(count, ratio, easy):
    scores = [float(i) for i in range(count)]
    first, rest = ranking.split_by_score(scores, ratio, allow_empty=True)
    assert (len(first), len(rest)) == (easy, count - easy)
    assert first + rest == list(range(count))


def test_split_is_stable():
    scores = [0.2, 0.1, 0.2, 0.1, 0.2, 0.0]
    assert ranking.split_by_score(scores, 0.5) == ([5, 1, 3], [0, 2, 4])


@pytest.mark.parametrize(
    ('count', 'ratio', 'half'),
    [(3, 0.33, 'easy'), (8, 0.0, 'easy'), (8, 1.0, 'hard'), (1, 0.5, 'easy')],
)
def test_an_empty_half_needs_the_switch(count, ratio, half):
    with pytest.raises(ValueError, match=rf'of {count} images .*no {half}'):
        ranking.split_by_score([0.1] * count, ratio)
    ranking.split_by_score([0.1] * count, ratio, allow_empty=True)


@pytest.mark.parametrize('ratio', [-0.1, 1.01, float('nan')])
def test_a_ratio_outside_of_0_and_1_is_refused(ratio):
    with pytest.raises(ValueError, match=r'must be in \[0, 1\]'):
        ranking.check_easy_ratio(10, ratio, allow_empty=True)


def test_scores_that_cannot_be_sorted_are_refused():
    with pytest.raises(ValueError, match='score nan at position 1'):
        ranking.split_by_score([0.1, math.nan, 0.2], 0.5)


@pytest.mark.parametrize(
    ('present', 'factor'), [(0, 1.5), (4, 1.136364), (11, 0.5)]
)
def test_normaliser(present, factor):
    found = ranking.rare_class_factor(present, 11)
    assert found == pytest.approx(factor, abs=1e-6)


def test_normaliser_of_more_classes_than_there_are():
    with pytest.raises(ValueError, match='12 of 11 rare classes'):
        ranking.rare_class_factor(12, 11)


def test_rare_classes_of_both_views():
    of19 = ranking.rare_class_ids(get_class_view('cityscapes19').classes)
    assert of19 == (3, 4, 5, 6, 7, 9, 12, 14, 15, 16, 17)
    of16 = ranking.rare_class_ids(get_class_view('cityscapes16').classes)
    assert of16 == (3, 4, 5, 6, 7, 11, 13, 14)


def test_rare_classes_that_no_class_is():
    with pytest.raises(ValueError, match=r"\['tram'\] are no classes"):
        ranking.rare_class_ids(('road', 'sky'), ['tram'])


def test_present_classes_count_from_one_pixel():
    labels = torch.zeros(64, 64, dtype=torch.long)
    labels[0, 0] = 4
    labels[1] = 17
    labels[2] = 13
    rare = (3, 4, 5, 6, 7, 9, 12, 14, 15, 16, 17)
    assert ranking.count_present(labels, rare) == 2
