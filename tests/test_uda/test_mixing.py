# SPDX-License-Identifier: Apache-2.0
"""SDE's mixing rules on the sheet's numbers (oracles 11 to 13)."""

import pytest
import torch

from mmseg_da.uda.mixing import (
    class_mix_mask,
    cut_mix_mask,
    depth_mix_mask,
    min_max_normalize,
    mix,
    partner_order,
    signed_margin,
)
from mmseg_da.uda.pseudo_label import (
    confident_share,
    pseudo_label,
    replace_by_ground_truth,
)

D_0, D_1 = [0.5, 0.2, 0.31], [0.1, 0.6, 0.33]


def rows(*values):
    """(N, 1, 1, W) in float64."""
    return torch.tensor(values, dtype=torch.float64)[:, None, None]


def test_target_depth_mix_of_the_sheet():
    disparity = rows(D_0, D_1)
    images = rows([0.1, 0.2, 0.3], [0.5, 0.6, 0.7])
    partner = partner_order(2)
    mask = depth_mix_mask(disparity, disparity[partner])
    assert mask.squeeze().tolist() == [
        [True, False, True],
        [False, True, True],
    ]
    mixed = mix(mask, images, images[partner]).squeeze()
    assert mixed.tolist() == [[0.1, 0.6, 0.3], [0.1, 0.6, 0.7]]


def test_cross_domain_depth_mix_of_the_sheet():
    margin = signed_margin(0.03, 0.5, torch.tensor([0.2])).double()
    mask = depth_mix_mask(rows(D_0), rows(D_1), margin)
    assert mask.flatten().tolist() == [True, False, False]


def test_sign_of_the_margin_is_drawn_per_pair():
    margin = signed_margin(0.03, 0.5, torch.tensor([0.49, 0.5]))
    assert margin.flatten().tolist() == pytest.approx([-0.03, 0.03])


def test_threshold_keeps_far_pixels_of_the_partner():
    mask = depth_mix_mask(rows(D_0), rows(D_1), threshold=0.4)
    assert mask.flatten().tolist() == [True, False, False]


@pytest.mark.parametrize(
    ('batch', 'expected'),
    [
        (2, [1, 0]),
        (3, [1, 2, 0]),
        (4, [1, 0, 3, 2]),
        (5, [1, 0, 3, 4, 2]),
    ],
)
def test_partners_form_groups_of_two(batch, expected):
    assert partner_order(batch).tolist() == expected


def test_whole_batch_as_one_group():
    assert partner_order(4, group_size=4).tolist() == [1, 2, 3, 0]


def test_one_image_has_no_partner():
    with pytest.raises(ValueError, match='at least 2 target images'):
        partner_order(1)


def test_quality_of_the_sheet():
    confidence = torch.full((2, 2, 2), 0.5, dtype=torch.float64)
    sure = torch.tensor([0.968, 0.99, 1.0], dtype=torch.float64)
    confidence.view(-1)[:3] = sure
    quality = confident_share(confidence, 0.968)
    assert quality == 0.375
    mask = torch.tensor([True, False]).view(1, 1, 1, 2)
    one = torch.ones(1, 1, 2, dtype=torch.float64)
    assert mix(mask, one, quality * one).flatten().tolist() == [1, 0.375]


# Class masks: numbers choose the classes in ascending order.
LABEL = torch.tensor([[[0, 1, 2, 255]]])
NUMBERS = torch.tensor([[0.9, 0.1, 0.5, 0.0]])


@pytest.mark.parametrize(
    ('rounding', 'include_ignore', 'chosen'),
    [
        ('floor', False, [0, 1, 0, 0]),  # 3 classes: floor(1.5) = 1
        ('ceil', False, [0, 1, 1, 0]),  # ceil(1.5) = 2
        ('ceil', True, [0, 1, 0, 1]),  # 4 classes: 2, ignore drawn first
    ],
)
def test_class_mask(rounding, include_ignore, chosen):
    mask = class_mix_mask(LABEL, 3, NUMBERS, rounding, include_ignore)
    assert mask.shape == (1, 1, 1, 4)
    assert mask.flatten().int().tolist() == chosen


def test_absent_classes_are_never_drawn():
    label = torch.tensor([[[4, 4, 5, 5]], [[7, 7, 7, 7]]])
    numbers = torch.zeros(2, 20)
    numbers[:, 4:8] = torch.tensor([0.8, 0.9, 0.3, 0.4])
    mask = class_mix_mask(label, 19, numbers)
    assert mask[0].flatten().tolist() == [True, True, False, False]
    assert not mask[1].any()  # floor(1 / 2) = 0 classes


def test_every_class_is_drawn_half_of_the_time():
    label = torch.arange(4).view(1, 1, 4).expand(400, 1, 4)
    numbers = torch.rand(400, 5, generator=torch.Generator().manual_seed(0))
    mask = class_mix_mask(label, 4, numbers).float()
    assert (mask.sum((1, 2, 3)) == 2).all()
    assert ((mask.mean(0) - 0.5).abs() < 0.1).all()


def test_unknown_rounding():
    with pytest.raises(ValueError, match="rounding='up'; allowed: floor, ce"):
        class_mix_mask(LABEL, 3, NUMBERS, 'up')


def test_cut_mix_is_one_rectangle_of_half_the_area():
    numbers = torch.rand(50, 3, generator=torch.Generator().manual_seed(1))
    mask = cut_mix_mask(64, 128, numbers)
    share = mask.float().mean((1, 2, 3))
    assert ((share - 0.5).abs() < 0.01).all()
    height = mask.any(3).sum((1, 2))
    width = mask.any(2).sum((1, 2))
    assert torch.equal(height * width, mask.sum((1, 2, 3)))
    assert len(height.unique()) > 10


def test_labels_and_images_are_mixed_by_one_mask():
    mask = torch.tensor([True, False]).view(1, 1, 1, 2)
    label = torch.tensor([[[3, 3]]])
    assert mix(mask, label, label + 1).tolist() == [[[3, 4]]]


def test_min_max_normalisation_survives_constant_maps():
    maps = torch.stack(
        [torch.full((1, 1, 3), 0.7), torch.arange(3.0)[None, None]]
    )
    stretched = min_max_normalize(maps)
    assert stretched[0].flatten().tolist() == [0, 0, 0]
    assert stretched[1].flatten().tolist() == [0, 0.5, 1]


def test_labelled_images_bring_their_labels():
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0]]).T[None, :, None].double()
    label, confidence = pseudo_label(logits.expand(2, -1, -1, -1))
    truth = torch.tensor([[[1, 255]], [[1, 1]]])
    labeled = torch.tensor([True, False])
    merged, certain = replace_by_ground_truth(
        label, confidence, truth, labeled
    )
    assert merged.tolist() == [[[1, 255]], [[0, 1]]]
    sure = torch.tensor(2.0).double().sigmoid().item()
    assert certain.flatten().tolist() == pytest.approx([1, 0, sure, sure])
    _, certain = replace_by_ground_truth(
        label, confidence, truth, labeled, void_confidence=1.0
    )
    assert certain[0].flatten().tolist() == [1, 1]
