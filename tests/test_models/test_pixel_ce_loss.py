# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
import torch.nn.functional as F
from mmseg.models.losses import CrossEntropyLoss

from mmseg_da.models.losses import PixelCELoss


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 6, 7, generator=generator, dtype=torch.float64)
    label = torch.randint(0, 5, (2, 6, 7), generator=generator)
    label[:, :2] = 255
    weight = torch.rand(2, 6, 7, generator=generator, dtype=torch.float64)
    return logits, label, weight


def test_hand_worked_pixel():
    logits = torch.tensor([[0.0, math.log(3.0)]], dtype=torch.float64)
    loss = PixelCELoss()(logits.view(1, 2, 1, 1), torch.ones(1, 1, 1).long())
    assert loss.item() == pytest.approx(math.log(4 / 3), abs=1e-15)


@pytest.mark.parametrize('class_weight', [None, [1.0, 2.0, 0.5, 3.0, 0.1]])
@pytest.mark.parametrize('reduction', ['mean', 'sum', 'none'])
def test_equals_torch(batch, class_weight, reduction):
    logits, label, _ = batch
    expected = F.cross_entropy(
        logits,
        label,
        ignore_index=255,
        reduction=reduction,
        weight=None
        if class_weight is None
        else torch.tensor(class_weight, dtype=torch.float64),
    )
    loss = PixelCELoss(class_weight=class_weight, reduction=reduction)
    torch.testing.assert_close(
        loss(logits, label), expected, rtol=1e-12, atol=1e-12
    )


def test_pixel_weights_lower_the_loss_with_valid_normalisation(batch):
    logits, label, weight = batch
    per_pixel = F.cross_entropy(
        logits, label, ignore_index=255, reduction='none'
    )
    valid = label != 255
    expected_valid = (per_pixel * weight)[valid].sum() / valid.sum()
    expected_weight = (per_pixel * weight)[valid].sum() / weight[valid].sum()
    got_valid = PixelCELoss()(logits, label, weight)
    got_weight = PixelCELoss(normalize='weight')(logits, label, weight)
    torch.testing.assert_close(got_valid, expected_valid)
    torch.testing.assert_close(got_weight, expected_weight)


@pytest.mark.parametrize('class_weight', [None, [1.0, 2.0, 0.5, 3.0, 0.1]])
def test_mean_over_all_pixels(batch, class_weight):
    logits, label, weight = batch
    loss = PixelCELoss(class_weight=class_weight, normalize='all')
    total = PixelCELoss(class_weight=class_weight, reduction='sum')
    for weights in (None, weight):
        torch.testing.assert_close(
            loss(logits, label, weights),
            total(logits, label, weights) / label.numel(),
        )


def test_mean_over_all_pixels_hand_worked():
    """SAC sheet, oracle 10: CE 1.2 and an ignored pixel give 0.6."""
    logits = torch.zeros(1, 2, 1, 2, dtype=torch.float64)
    logits[0, 1, 0, 0] = math.log(math.exp(1.2) - 1)
    label = torch.tensor([[[0, 255]]])
    ours = PixelCELoss(normalize='all')(logits, label)
    assert ours.item() == pytest.approx(0.6, abs=1e-12)
    theirs = CrossEntropyLoss(avg_non_ignore=False)(
        logits, label, ignore_index=255
    )
    assert theirs.item() == pytest.approx(0.6, abs=1e-6)  # fp32
    assert PixelCELoss()(logits, label).item() == pytest.approx(1.2)


def test_everything_ignored_gives_zero_and_zero_gradient():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    label = torch.full((1, 4, 4), 255)
    for class_weight in (None, [1.0, 2.0, 3.0]):
        loss = PixelCELoss(class_weight=class_weight)(logits, label)
        loss.backward()
        assert loss.item() == 0.0
        assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_half_precision_is_computed_in_fp32(batch):
    logits, label, _ = batch
    loss = PixelCELoss()(logits.half(), label)
    assert loss.dtype == torch.float32


def test_class_weight_file(tmp_path, batch):
    logits, label, _ = batch
    file = tmp_path / 'weights.txt'
    file.write_text('1\n2\n0.5\n3\n0.1\n')
    from_file = PixelCELoss(class_weight=str(file))(logits, label)
    from_list = PixelCELoss(class_weight=[1, 2, 0.5, 3, 0.1])(logits, label)
    assert torch.equal(from_file, from_list)


def test_bad_options_name_the_argument(batch):
    logits, label, _ = batch
    with pytest.raises(ValueError, match='reduction=.*allowed: mean'):
        PixelCELoss(reduction='avg')
    with pytest.raises(ValueError, match='must start with "loss_"'):
        PixelCELoss(loss_name='ce')
    with pytest.raises(ValueError, match='2 entries.*5 classes'):
        PixelCELoss(class_weight=[1.0, 1.0])(logits, label)
    with pytest.raises(ValueError, match='non-negative'):
        PixelCELoss(class_weight=[-1.0, 1.0])
