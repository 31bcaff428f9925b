# SPDX-License-Identifier: Apache-2.0
"""Oracles 4 and 5 of the IntraDA sheet, and the one-backward identity."""

import math

import pytest
import torch
from torch import nn

from mmseg_da.models.discriminators import FCDiscriminator
from mmseg_da.models.utils import self_information
from mmseg_da.uda.adversarial import (
    adversarial_losses,
    discriminator_accuracy,
    domain_loss,
    frozen_forward,
)


@pytest.mark.parametrize(
    ('x', 'y', 'expected'),
    [
        (0, 0, 0.693147),
        (0, 1, 0.693147),
        (2, 0, 2.126928),
        (2, 1, 0.126928),
    ],
)
def test_bce_numbers(x, y, expected):
    logits = torch.full((2, 1, 3, 4), float(x), dtype=torch.float64)
    assert domain_loss(logits, y).item() == pytest.approx(expected, abs=1e-6)


def test_lsgan_is_the_mean_squared_error():
    logits = torch.tensor([0.0, 2.0, -1.0], dtype=torch.float64)
    loss = domain_loss(logits, 1, 'lsgan')
    assert loss.item() == pytest.approx((1 + 1 + 4) / 3)


def test_half_precision_is_computed_in_fp32():
    loss = domain_loss(torch.full((8,), 30.0, dtype=torch.float16), 0.0)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(30.0)


def nets():
    torch.manual_seed(0)
    generator = nn.Conv2d(3, 4, 1).double()
    return generator, FCDiscriminator(4, 2, num_convs=3).double()


def maps(generator, images):
    return self_information(generator(images).softmax(1))


def images():
    generator = torch.Generator().manual_seed(1)
    shape = (2, 2, 3, 16, 24)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def test_frozen_forward_reaches_the_input_only():
    generator, discriminator = nets()
    out = frozen_forward(discriminator, maps(generator, images()[0]))
    torch.testing.assert_close(
        out, discriminator(maps(generator, images()[0]))
    )
    out.mean().backward()
    assert all(p.grad is None for p in discriminator.parameters())
    assert all(p.requires_grad for p in discriminator.parameters())
    assert generator.weight.grad.abs().sum() > 0


def test_frozen_forward_changes_no_buffer():
    module = nn.BatchNorm2d(3)
    frozen_forward(module, torch.randn(2, 3, 4, 4) + 5)
    assert module.num_batches_tracked == 0
    assert module.running_mean.abs().sum() == 0


def test_no_generator_gradient_from_the_discriminator_terms():
    generator, discriminator = nets()
    source, target = images()
    terms = adversarial_losses(
        discriminator, maps(generator, source), maps(generator, target)
    )
    (terms['loss_disc_source'] + terms['loss_disc_target']).backward()
    assert generator.weight.grad is None
    assert all(p.grad is not None for p in discriminator.parameters())


def test_zero_output_costs_ln2_per_level():
    generator, discriminator = nets()
    for parameter in discriminator.parameters():
        nn.init.zeros_(parameter)
    terms = adversarial_losses(discriminator, *map(generator, images()))
    total = terms['loss_disc_source'] + terms['loss_disc_target']
    assert total.item() == pytest.approx(math.log(2))
    assert terms['loss_gen'].item() == pytest.approx(math.log(2))


@pytest.mark.parametrize('gan', ['bce', 'lsgan'])
def test_one_backward_equals_the_papers_alternation(gan):
    """Steps a to f of the sheet's section 5 (4), term by term."""
    generator, discriminator = nets()
    source, target = images()
    weight = 0.3
    for parameter in discriminator.parameters():
        parameter.requires_grad_(False)
    target_maps = maps(generator, target)
    (weight * domain_loss(discriminator(target_maps), 0, gan)).backward()
    for parameter in discriminator.parameters():
        parameter.requires_grad_(True)
    for image, label in ((source, 0), (target, 1)):
        seen = maps(generator, image).detach()
        (0.5 * domain_loss(discriminator(seen), label, gan)).backward()
    expected = [
        p.grad for n in (generator, discriminator) for p in n.parameters()
    ]

    generator, discriminator = nets()
    terms = adversarial_losses(
        discriminator, maps(generator, source), maps(generator, target), gan
    )
    terms.pop('acc_disc')
    (weight * terms.pop('loss_gen') + sum(terms.values())).backward()
    got = [p.grad for n in (generator, discriminator) for p in n.parameters()]
    torch.testing.assert_close(got, expected)


def test_accuracy():
    on_source = torch.tensor([-1.0, -1.0, -1.0, 2.0])
    on_target = torch.tensor([1.0, -1.0, 0.4, 0.6])
    assert discriminator_accuracy(on_source, on_target) == 0.75
    shifted = discriminator_accuracy(on_source, on_target, 'lsgan')
    assert shifted == 0.625
