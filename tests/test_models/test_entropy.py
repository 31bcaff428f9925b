# SPDX-License-Identifier: Apache-2.0
"""Oracles 1 and 2 of the IntraDA sheet."""

import math

import pytest
import torch

from mmseg_da.models.utils import (
    class_probabilities,
    highest_mean,
    mean_entropy,
    self_information,
)


def pixel(*probabilities, dtype=torch.float64):
    return torch.tensor(probabilities, dtype=dtype).view(1, -1, 1, 1)


@pytest.mark.parametrize(
    ('probabilities', 'entries', 'entropy'),
    [
        ((0.25,) * 4, (0.25,) * 4, 1.0),
        ((0.5, 0.5, 0, 0), (0.25, 0.25, 0, 0), 0.5),
        ((1, 0, 0, 0), (0, 0, 0, 0), 0.0),
    ],
)
def test_four_classes(probabilities, entries, entropy):
    information = self_information(pixel(*probabilities))
    assert information.flatten().tolist() == pytest.approx(entries)
    assert float(mean_entropy(pixel(*probabilities))) == pytest.approx(entropy)


def test_three_classes_from_logits():
    p = torch.tensor([2.0, 1, 0], dtype=torch.float64).softmax(0)
    information = self_information(p.view(1, 3, 1, 1))
    assert information.flatten().tolist() == pytest.approx(
        [0.2468, 0.3136, 0.1973], abs=5e-5
    )
    assert float(information.sum()) == pytest.approx(0.7577, abs=5e-5)
    assert float(information.mean()) == pytest.approx(0.2526, abs=5e-5)


def test_uniform_over_nineteen_classes():
    p = torch.full((2, 19, 3, 5), 1 / 19, dtype=torch.float64)
    assert float(self_information(p).mean()) == pytest.approx(1 / 19)


def test_largest_entry():
    p = torch.linspace(0, 1, 1001, dtype=torch.float64).view(1, 1, -1)
    p = torch.cat([p, 1 - p], 1)
    largest = float(self_information(p).max())
    assert largest == pytest.approx(1 / (math.e * math.log(2)), abs=1e-6)


def test_certain_pixels_have_finite_gradients():
    p = pixel(1.0, 0.0, 0.0).requires_grad_()
    mean_entropy(p).backward()
    assert torch.isfinite(p.grad).all()


def test_half_precision_is_computed_in_single():
    information = self_information(pixel(1.0, 0.0, dtype=torch.float16))
    assert information.dtype == torch.float32
    assert torch.equal(information, torch.zeros_like(information))


def test_probabilities_are_single_under_autocast():
    logits = torch.tensor([[9.0, 0, -9]], dtype=torch.bfloat16)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        p = class_probabilities(logits)
    assert torch.equal(p, logits.float().softmax(1))
    assert class_probabilities(logits.double()).dtype == torch.float64


def test_mean_of_the_highest_values_of_each_image():
    values = torch.tensor([[[1.0, 4], [3, 2]], [[0, 0], [0, 8]]])
    values.requires_grad_()
    assert highest_mean(values, 1) == values.mean()
    half = highest_mean(values, 0.5)
    assert half == (4 + 3 + 8 + 0) / 4
    assert highest_mean(values, 0.01) == (4 + 8) / 2
    half.backward()
    assert values.grad[0].tolist() == [[0, 0.25], [0.25, 0]]
