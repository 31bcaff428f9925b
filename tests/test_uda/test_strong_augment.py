# SPDX-License-Identifier: Apache-2.0
"""Strong augmentation on the sheet's numbers (oracles 15 and 16)."""

import colorsys

import pytest
import torch

from mmseg_da.uda.shared_draws import SharedDraws
from mmseg_da.uda.strong_augment import (
    AugmentPlan,
    StrongAugment,
    blur_kernel_size,
    gaussian_blur,
    hsv_to_rgb,
    jitter,
    rgb_to_hsv,
)


def images(count=2, height=24, width=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(
        count, 3, height, width, generator=generator, dtype=torch.float64
    )


def plan(count=2, jittered=True, blurred=False, factors=(1, 1, 1, 0)):
    return AugmentPlan(
        jitter=torch.full((count,), jittered),
        blur=torch.full((count,), blurred),
        factors=torch.tensor([factors] * count, dtype=torch.float64),
        order=torch.tensor([[2, 0, 3, 1]] * count),
        sigma=torch.full((count,), 0.8, dtype=torch.float64),
    )


def test_kernel_sizes_of_the_sheet():
    sizes = [24, 32, 48, 64, 100, 256, 512, 1024]
    assert [blur_kernel_size(s) for s in sizes] == [3, 3, 5, 7, 9, 25, 51, 103]


def test_thresholds_are_strict():
    u = torch.tensor([0.2, 0.2001])
    v = torch.tensor([0.5, 0.5001])
    drawn = StrongAugment().decide(
        u, v, torch.ones(2, 4), torch.rand(2, 5), torch.ones(2)
    )
    assert drawn.jitter.tolist() == [False, True]
    assert drawn.blur.tolist() == [False, True]


def test_neutral_factors_change_nothing():
    image = images()
    image[0, :, 0, 0] = 1.0  # kornia 0.4.0 broke pixels of value 1
    image[0, :, 0, 1] = torch.tensor([1.0, 0.2, 0.2])
    image[0, :, 0, 2] = 0.0
    result = StrongAugment().apply(image, plan())
    torch.testing.assert_close(result, image, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ('operation', 'expected'), [('brightness', 0.7), ('contrast', 0.6)]
)
def test_factor_1_2_on_grey_of_the_sheet(operation, expected):
    grey = torch.full((1, 3, 1, 1), 0.5, dtype=torch.float64)
    factor = torch.tensor([1.2], dtype=torch.float64)
    result = jitter(grey, operation, factor)
    assert result.flatten().tolist() == pytest.approx([expected] * 3)


def test_hsv_agrees_with_python():
    image = images(1, 4, 4)
    image[..., 0, 0] = torch.tensor([1.0, 1.0, 0.0])
    hsv = rgb_to_hsv(image)
    for r in range(4):
        for c in range(4):
            expected = colorsys.rgb_to_hsv(*image[0, :, r, c].tolist())
            assert hsv[0, :, r, c].tolist() == pytest.approx(expected)
    torch.testing.assert_close(hsv_to_rgb(hsv), image)


def test_hue_turns_by_the_factor():
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    turned = jitter(red, 'hue', torch.tensor([1 / 3]))
    assert turned.flatten().tolist() == pytest.approx([0, 1, 0], abs=1e-6)


def test_blur_against_the_dense_kernel():
    image = images(2, 48, 64)
    sigma = torch.tensor([0.4, 1.1], dtype=torch.float64)
    blurred = gaussian_blur(image, sigma)
    for i in range(2):
        weights = []
        for taps in (5, 7):
            x = torch.arange(taps, dtype=torch.float64) - taps // 2
            w = torch.exp(-(x**2) / (2 * sigma[i] ** 2))
            weights.append(w / w.sum())
        dense = torch.outer(*weights).expand(3, 1, -1, -1)
        padded = torch.nn.functional.pad(
            image[i : i + 1], (3, 3, 2, 2), mode='reflect'
        )
        expected = torch.nn.functional.conv2d(padded, dense, groups=3)
        torch.testing.assert_close(blurred[i : i + 1], expected)


def test_blur_of_a_constant_is_the_constant():
    image = torch.full((1, 3, 32, 32), 0.3, dtype=torch.float64)
    blurred = gaussian_blur(image, torch.tensor([1.0]).double())
    torch.testing.assert_close(blurred, image)


def test_normalised_images_are_jittered_as_plain_ones():
    image = images()
    mean = torch.tensor([100.0, 110, 120]).view(3, 1, 1).double()
    std = torch.tensor([50.0, 60, 70]).view(3, 1, 1).double()
    wanted = plan(factors=(1.1, 0.9, 1.2, 0.1), blurred=True)
    augment = StrongAugment()
    normalised = (image * 255 - mean) / std
    result = augment.apply_normalized(normalised, wanted, mean, std)
    expected = (augment.apply(image, wanted) * 255 - mean) / std
    torch.testing.assert_close(result, expected)
    assert (result - normalised).abs().max() > 0.1


def test_draws_are_shared_within_a_mixing_call():
    torch.manual_seed(0)
    drawn = StrongAugment().plan(SharedDraws(), 64)
    for values in (drawn.jitter, drawn.blur, drawn.order, drawn.sigma):
        assert torch.equal(values[0::2], values[1::2])
    assert not torch.equal(drawn.factors[0::2], drawn.factors[1::2])
    assert 0.6 < drawn.jitter.float().mean() < 1
    assert 0.25 < drawn.blur.float().mean() < 0.75
    low, high = drawn.factors.amin(0), drawn.factors.amax(0)
    assert low[:3].min() >= 0.75 and high[:3].max() <= 1.25
    assert low[3] >= -0.25 and high[3] <= 0.25
    assert drawn.sigma.min() >= 0.15 and drawn.sigma.max() <= 1.15


def test_cross_domain_images_share_only_the_decisions():
    torch.manual_seed(0)
    drawn = StrongAugment().plan(SharedDraws(), 64, per_image=True)
    assert torch.equal(drawn.jitter[0::2], drawn.jitter[1::2])
    assert torch.equal(drawn.blur[0::2], drawn.blur[1::2])
    assert not torch.equal(drawn.order[0::2], drawn.order[1::2])
    assert not torch.equal(drawn.sigma[0::2], drawn.sigma[1::2])


def test_draws_depend_on_torchs_seed_only():
    torch.manual_seed(3)
    one = SharedDraws().uniform(2, 3)
    torch.manual_seed(3)
    assert torch.equal(one, SharedDraws().uniform(2, 3))
    assert not torch.equal(one, SharedDraws().uniform(2, 3))
