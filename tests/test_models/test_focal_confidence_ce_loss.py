# SPDX-License-Identifier: Apache-2.0
"""The target loss of SAC: oracles 8 and 9 of its sheet."""

import math

import pytest
import torch

from mmseg_da.models.losses import FocalConfidenceCELoss


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def logits_of_loss(values):
    """Two-class logits whose cross-entropy of class 0 is given."""
    second = double([math.log(math.exp(v) - 1) for v in values])
    return torch.stack([torch.zeros_like(second), second], 1)[..., None, None]


def test_focal_weight_and_confidence():
    loss = FocalConfidenceCELoss()(
        double([0, 0]).view(1, 2, 1, 1),
        torch.zeros(1, 1, 1, dtype=torch.long),
        double([0.5, 0.1]),
        double([0.8]).view(1, 1, 1),
    )
    assert loss.item() == pytest.approx(0.8 * 0.125 * math.log(2), abs=1e-12)
    assert loss.item() == pytest.approx(0.069315, abs=1e-6)


def test_a_negative_prior_weighs_one():
    loss = FocalConfidenceCELoss(confidence_weight='none')(
        double([0, 0]).view(1, 2, 1, 1),
        torch.zeros(1, 1, 1, dtype=torch.long),
        double([-0.01, 0.1]),
        double([0.8]).view(1, 1, 1),
    )
    assert loss.item() == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(confidence_weight='per_pixel'), 1.75),
        (dict(confidence_weight='cross_batch'), 1.5),
        (dict(confidence_weight='cross_batch', chunk=2), 1.5),
        (dict(confidence_weight='cross_batch', chunk=1), 1.75),
        (dict(confidence_weight='none'), 2.0),
    ],
)
def test_confidence_weights(options, expected):
    loss = FocalConfidenceCELoss(**options)(
        logits_of_loss([1.0, 3.0]),
        torch.zeros(2, 1, 1, dtype=torch.long),
        double([0, 0]),
        double([0.5, 1.0]).view(2, 1, 1),
    )
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_cross_batch_is_the_references_broadcast():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, 5, 6, generator=generator).double()
    label = torch.randint(0, 3, (4, 5, 6), generator=generator)
    label[0, :2] = 255
    confidence = torch.rand(4, 5, 6, generator=generator).double()
    prior = double([0.2, 0.5, 0.1])
    each = torch.nn.functional.cross_entropy(
        logits, label, (1 - prior) ** 3, ignore_index=255, reduction='none'
    )
    loss = FocalConfidenceCELoss(confidence_weight='cross_batch')
    expected = (confidence[:, None] * each).mean()
    actual = loss(logits, label, prior, confidence)
    torch.testing.assert_close(actual, expected)
    halves = FocalConfidenceCELoss(confidence_weight='cross_batch', chunk=2)
    parts = [
        (confidence[p][:, None] * each[p]).mean()
        for p in (slice(0, 2), slice(2, 4))
    ]
    actual = halves(logits, label, prior, confidence)
    torch.testing.assert_close(actual, sum(parts) / 2)


def test_the_mean_counts_ignored_pixels():
    label = torch.tensor([0, 255]).view(2, 1, 1)
    loss = FocalConfidenceCELoss()(
        logits_of_loss([1.2, 1.2]),
        label,
        double([0, 0]),
        torch.ones(2, 1, 1, dtype=torch.float64),
    )
    assert loss.item() == pytest.approx(0.6)


def test_without_labels_the_gradient_is_zero():
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = FocalConfidenceCELoss()(
        logits,
        torch.full((2, 4, 4), 255),
        torch.full((3,), 0.1),
        torch.rand(2, 4, 4),
    )
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(confidence_weight='batch'), r"'batch'; allowed: per_pixel"),
        (dict(chunk=0), r'chunk=0 must be >= 1'),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        FocalConfidenceCELoss(**options)


def test_a_chunk_has_to_divide_the_batch():
    loss = FocalConfidenceCELoss(confidence_weight='cross_batch', chunk=2)
    maps = torch.zeros(3, 1, 1)
    with pytest.raises(ValueError, match=r'chunk=2 does not divide the 3'):
        loss(torch.zeros(3, 2, 1, 1), maps.long(), torch.zeros(2), maps)
