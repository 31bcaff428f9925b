# SPDX-License-Identifier: Apache-2.0
"""Depth losses against hand-worked numbers."""

import math

import pytest
import torch

from mmseg_da.models.losses import (
    BerHuLoss,
    DisparitySmoothnessLoss,
    FeatureDistanceLoss,
    PhotometricLoss,
)
from mmseg_da.models.losses.disparity_smoothness_loss import (
    disparity_smoothness,
)
from mmseg_da.models.losses.photometric_loss import (
    photometric_error,
    ssim_error,
)

D = torch.float64


def flat(value, shape=(1, 3, 6, 8)):
    return torch.full(shape, value, dtype=D)


def test_photometric_error_of_two_greys():
    one, other = flat(0.2), flat(0.6)
    structure = (1 - 0.2401 / 0.4001) / 2
    assert structure == pytest.approx(0.19995, abs=1e-5)
    torch.testing.assert_close(ssim_error(one, other), flat(structure))
    error = photometric_error(one, other)
    torch.testing.assert_close(
        error, torch.full_like(error, 0.85 * structure + 0.15 * 0.4)
    )
    assert float(error.mean()) == pytest.approx(0.22996, abs=1e-5)
    assert not photometric_error(one, one).any()


def test_minimum_and_automask():
    target = torch.rand(2, 3, 8, 8, dtype=D)
    noisy = torch.rand(2, 2, 3, 8, 8, dtype=D)
    perfect = torch.stack([target, noisy[1]])
    loss = PhotometricLoss()
    (value,), (moving,) = loss([perfect], noisy, target)
    assert float(value) == pytest.approx(0, abs=1e-9)
    assert float(moving) == 1
    # The neighbours as they are explain the image: no gradient at all.
    still = target.expand(2, 2, 3, 8, 8).clone()
    warped = noisy.clone().requires_grad_()
    (value,), (moving,) = loss([warped], still, target)
    value.backward()
    assert float(moving) == 0
    assert abs(value.item()) < 1e-4
    assert not warped.grad.any()


def test_variants():
    target = torch.rand(1, 3, 8, 8, dtype=D)
    frames = torch.rand(2, 1, 3, 8, 8, dtype=D)
    errors = photometric_error(frames, target)
    cases = {
        'minimum': (PhotometricLoss(automask=False), errors.amin(0).mean()),
        'average': (
            PhotometricLoss(automask=False, average_frames=True),
            errors.mean(),
        ),
        'no_ssim': (
            PhotometricLoss(automask=False, use_ssim=False),
            (frames - target).abs().mean(2).amin(0).mean(),
        ),
    }
    for name, (loss, expected) in cases.items():
        value = loss([frames], frames, target)[0][0]
        torch.testing.assert_close(value, expected, msg=name)


def test_noise_is_seeded_and_drawn_per_scale():
    target = torch.rand(1, 3, 8, 8, dtype=D)
    frames = torch.rand(2, 1, 3, 8, 8, dtype=D)
    far = torch.zeros_like(frames)
    loss = PhotometricLoss(identity_noise=1e-2)
    runs = []
    for _ in range(2):
        torch.manual_seed(3)
        runs.append(loss([far, far], frames, target)[0])
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[0][1]


def test_smoothness():
    disparity = torch.tensor([[[[1, 2, 4], [1, 2, 4]]]], dtype=D)
    image = torch.tensor([[[[0, 0.5, 0.5], [0, 0.5, 0.5]]]], dtype=D)
    expected = (math.exp(-0.5) + 2) / 2
    assert expected == pytest.approx(1.3033, abs=1e-4)
    value = disparity_smoothness(disparity, image)
    assert float(value) == pytest.approx(expected)
    loss = DisparitySmoothnessLoss(loss_weight=1.0)
    assert float(loss(disparity, image)) == pytest.approx(0.5585, abs=1e-4)
    at_two = DisparitySmoothnessLoss()(disparity, image, scale=2)
    assert float(at_two) == pytest.approx(0.5585e-3 / 4, rel=1e-3)


def test_berhu():
    prediction = torch.tensor([[[[0.5, 0.9]]]], dtype=D)
    target = torch.tensor([[[[0.4, 0.4]]]], dtype=D)
    loss = BerHuLoss(valid_rows=1.0)
    assert float(loss(prediction, target)) == pytest.approx(0.7)
    rows = torch.ones(1, 1, 10, 1, dtype=D)
    masked = BerHuLoss(threshold=1.0)(rows, torch.zeros_like(rows))
    assert float(masked) == pytest.approx(0.9)


def test_berhu_of_equal_maps_has_a_finite_gradient():
    prediction = torch.rand(1, 1, 4, 4, requires_grad=True)
    value = BerHuLoss()(prediction, prediction.detach())
    value.backward()
    assert float(value) == 0
    assert torch.isfinite(prediction.grad).all()


def test_feature_distance_is_one_norm():
    features = torch.zeros(2, 3, 2, 2, dtype=D, requires_grad=True)
    reference = torch.full((2, 3, 2, 2), 0.5, dtype=D)
    value = FeatureDistanceLoss()(features, reference)
    assert float(value) == pytest.approx(0.01 * 0.5 * math.sqrt(24))
    value = FeatureDistanceLoss()(features, torch.zeros_like(features))
    value.backward()
    assert torch.isfinite(features.grad).all()
