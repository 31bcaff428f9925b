# SPDX-License-Identifier: Apache-2.0
"""Views, class prior, pseudo labels: oracles 2-7 of the SAC sheet."""

import pytest
import torch

from mmseg_da.uda.consistency import (
    average_views,
    class_discount,
    class_thresholds,
    min_entropy_view,
    pseudo_labels,
    refine,
    update_class_prior,
    warp,
)

ZOOM = [[2.0, 0, 1], [0, 2, 1]]
ZOOM_BACK = [[0.5, 0, -0.5], [0, 0.5, -0.5]]
IDENTITY = [[1.0, 0, 0], [0, 1, 0]]
MIRROR = [[-1.0, 0, 0], [0, 1, 0]]


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def close(actual, expected, atol=1e-9):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def random_probabilities(batch, size=(6, 8), classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(
        batch, classes, *size, generator=generator, dtype=torch.float64
    )
    return logits.softmax(1)


def no_padding(maps):
    return torch.zeros(len(maps), *maps.shape[2:], dtype=torch.bool)


def test_warp_of_a_zoomed_view():
    maps = torch.arange(16, dtype=torch.float64).view(1, 1, 4, 4)
    expected = torch.zeros(4, 4, dtype=torch.float64)
    expected[:2, :2] = double([[2.5, 4.5], [10.5, 12.5]])
    close(warp(maps, double([ZOOM]))[0, 0], expected)


def test_validity_has_a_border():
    ones = torch.ones(1, 1, 4, 4, dtype=torch.float64)
    maps = warp(ones, double([ZOOM_BACK]))[0, 0]
    expected = torch.ones(4, 4, dtype=torch.float64)
    expected[0], expected[:, 0], expected[0, 0] = 0.75, 0.75, 0.5625
    close(maps, expected)


@pytest.mark.parametrize('validity', ['view_frame', 'reference_frame'])
def test_a_flipped_view_is_averaged_with_its_mirror(validity):
    p = random_probabilities(2)
    maps = double([IDENTITY, MIRROR])
    refined = refine(p, no_padding(p), maps, maps, 2, validity=validity)
    close(refined[0], (p[0] + p[1].flip(-1)) / 2, 1e-6)
    close(refined[1], refined[0].flip(-1), 1e-6)


@pytest.mark.parametrize('pooling', ['average', 'minentropy'])
def test_equal_views_change_nothing(pooling):
    p = random_probabilities(1).repeat(3, 1, 1, 1)
    maps = double([IDENTITY] * 3)
    refined = refine(p, no_padding(p), maps, maps, 3, pooling)
    close(refined, p, 1e-6)


def test_images_are_pooled_apart():
    p = random_probabilities(4)
    maps = double([IDENTITY, MIRROR] * 2)
    both = refine(p, no_padding(p), maps, maps, 2)
    for k in (0, 2):
        part = slice(k, k + 2)
        alone = refine(p[part], no_padding(p[part]), maps[:2], maps[:2], 2)
        close(both[part], alone)


def test_a_zoomed_view_is_pooled_where_it_looks():
    """Values constant in space: outside the crop only the frame counts."""
    p = torch.zeros(2, 2, 8, 8, dtype=torch.float64)
    p[0, 0], p[1, 1] = 1, 1
    forth, back = double([IDENTITY, ZOOM]), double([IDENTITY, ZOOM_BACK])
    refined = refine(p, no_padding(p), forth, back, 2)
    close(refined[0, :, 6, 6], double([1, 0]))
    close(refined[0, :, 1, 1], double([0.5, 0.5]))
    close(refined[1, :, 3, 3], double([0.5, 0.5]))


def test_the_frame_of_the_validity_matters_at_the_border():
    p = random_probabilities(2, (8, 8))
    forth, back = double([IDENTITY, ZOOM]), double([IDENTITY, ZOOM_BACK])
    args = (p, no_padding(p), forth, back, 2, 'average')
    faithful = refine(*args, validity='view_frame')
    mended = refine(*args, validity='reference_frame')
    assert not torch.allclose(faithful[0, :, 0, 0], mended[0, :, 0, 0])
    close(faithful[0, :, 1:3, 1:3], mended[0, :, 1:3, 1:3])
    # v = .5625 in the corner of the view frame, multiplied in the reference.
    warped = warp(p, forth)
    mass = p[0, :, 0, 0] + 0.5625 * warped[1, :, 0, 0]
    close(faithful[0, :, 0, 0], mass / mass.sum())


def test_padding_has_no_say():
    p = random_probabilities(2)
    padding = no_padding(p)
    padding[0, :, :3] = True
    maps = double([IDENTITY] * 2)
    refined = refine(p, padding, maps, maps, 2)
    close(refined[0, :, :, :3], p[1, :, :, :3])
    padding[1] = padding[0]
    assert not refine(p, padding, maps, maps, 2)[:, :, :, :3].any()
    close(refine(p, padding, maps, maps, 2, None)[0, :, :, 3:], p[0, ..., 3:])


@pytest.mark.parametrize(
    ('views', 'expected', 'valid'),
    [
        ([(0.8, 0.2), (0.4, 0.6)], (0.6, 0.4), 1),
        ([(0.8, 0.2), (0, 0)], (0.8, 0.2), 1),
        ([(0.4, 0.1), (0.4, 0.6)], (0.8 / 1.5, 0.7 / 1.5), 1),
        ([(0.03, 0.02), (0.02, 0.02)], (5 / 9, 4 / 9), 0),
    ],
)
def test_average_pooling(views, expected, valid):
    pooled, mask = average_views(double([views])[..., None, None])
    close(pooled.flatten(), double(expected))
    assert mask.item() == valid


def test_a_pixel_that_no_view_sees_is_refined_to_zero():
    p = double([(0.03, 0.02), (0.02, 0.02)])[..., None, None].repeat(
        1, 1, 4, 4
    )
    maps = double([IDENTITY] * 2)
    assert not refine(p, no_padding(p), maps, maps, 2).any()


def test_minentropy_pooling_takes_the_surest_seen_view():
    sure, unsure, unseen = (0.9, 0.1), (0.6, 0.4), (0.05, 0.01)
    views = double([[unsure, sure, unseen]])[..., None, None]
    pooled, mask = min_entropy_view(views)
    close(pooled.flatten(), double(sure))
    assert mask.item() == 1
    nothing = double([[unseen, (0.02, 0.01)]])[..., None, None]
    assert min_entropy_view(nothing)[1].item() == 0


def test_the_prior_copies_the_first_mean_only_once():
    prior = update_class_prior(
        double([1e-3, 1e-3]), double([0.3, 0]), 0.99, 1e-3
    )
    close(prior, double([0.3, 0.00099]))
    prior = update_class_prior(prior, double([0.5, 0.2]), 0.99, 1e-3)
    close(prior, double([0.302, 0.0029801]))


def test_the_initial_prior_is_recognised_in_fp32():
    prior = torch.zeros(1).masked_fill_(torch.tensor(True), 1e-3)
    prior = update_class_prior(prior, torch.tensor([0.3]), 0.99, 1e-3)
    assert prior.item() == pytest.approx(0.3)


def test_discount_and_thresholds():
    discount = class_discount(double([0.001, 0.01]), 1e-3)
    close(discount, double([0.632121, 0.999955]), 1e-6)
    confidence = double([[[0.9, 0.9, 0.3]]])
    winner = torch.tensor([[[0, 1, 1]]])
    expected = double([[0.426682, 0.674969]])
    thresholds = class_thresholds(confidence, winner, discount, 0.75, 0.2)
    close(thresholds, expected, 1e-6)
    rare = class_discount(double([1e-5]), 1e-3)
    assert 0.75 * 0.9 * rare.item() == pytest.approx(0.0067, abs=1e-4)
    winner = torch.zeros_like(winner)
    thresholds = class_thresholds(confidence, winner, rare, 0.75, 0.2)
    assert thresholds.item() == 0.2


@pytest.mark.parametrize(
    ('discounted', 'expected'),
    [(True, [0, 0, 255, 1, 1]), (False, [0, 0, 255, 255, 1])],
)
def test_pseudo_labels(discounted, expected):
    first = double([0.9, 0.68, 0.67, 0.45, 0.2])
    refined = torch.stack([first, 1 - first]).view(1, 2, 1, 5)
    discount = double([1, 1])
    if discounted:
        discount = class_discount(double([0.4, 0.001]), 1e-3)
    labels, confidence = pseudo_labels(refined, no_padding(refined), discount)
    assert labels.flatten().tolist() == expected
    close(confidence.flatten(), torch.maximum(first, 1 - first))


def test_thresholds_are_those_of_each_view_and_padding_is_never_labelled():
    first = double([[0.9, 0.6], [0.65, 0.6]])
    refined = torch.stack([first, 1 - first], 1)[:, :, None]
    padding = no_padding(refined)
    labels, _ = pseudo_labels(refined, padding, double([1, 1]))
    assert labels.flatten().tolist() == [0, 255, 0, 0]
    padding[1, 0, 0] = True
    labels, _ = pseudo_labels(refined, padding, double([1, 1]))
    assert labels.flatten().tolist() == [0, 255, 255, 0]


def test_a_confidence_equal_to_the_threshold_is_not_enough():
    refined = double([[0.2], [0.1]]).view(1, 2, 1, 1)
    labels, _ = pseudo_labels(
        refined, no_padding(refined), double([1, 1]), upper=0.5, lower=0.2
    )
    assert labels.item() == 255


def test_peaks_are_per_view_and_class():
    confidence = double([[[0.3, 0.8], [0.5, 0.1]], [[0.2, 0.2], [0.2, 0.4]]])
    label = torch.tensor([[[0, 0], [1, 1]], [[1, 1], [1, 1]]])
    thresholds = class_thresholds(confidence, label, torch.ones(3), 1.0, 0.0)
    close(thresholds, double([[0.8, 0.5, 0], [0, 0.4, 0]]))
