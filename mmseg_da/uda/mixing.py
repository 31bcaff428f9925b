# SPDX-License-Identifier: Apache-2.0
"""Masks that say which of two images a pixel is taken from.

Every mask is a bool tensor (N, 1, H, W): True keeps the pixel of the first
("own") image, False takes that of its partner. Random numbers are arguments,
so that the functions are pure; see :class:`~.shared_draws.SharedDraws`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROUNDINGS = ('floor', 'ceil')


def partner_order(batch: int, group_size: int = 2) -> Tensor:
    """Position of the image that each image of a batch is mixed with.

    The batch is cut into groups and image a of a group of B is mixed with
    (a + 1) mod B, as in SDE's batch of 2. Groups rather than the whole batch
    let several processes form the pairs that one process forms. A rest that
    is too small to be a group joins the last one.

    Args:
        batch (int): Number of images, at least 2.
        group_size (int): Images per group, at least 2. Defaults to 2.

    Returns:
        Tensor: (batch,) integers, a permutation without fixed point.

    Raises:
        ValueError: If there are fewer than 2 images, or in a group.
    """
    if batch < 2 or group_size < 2:
        raise ValueError(
            f'mixing needs at least 2 target images per process, got a batch '
            f'of {batch} (group_size={group_size}); raise the count of the '
            "unlabelled target in the sampler's source_ratio"
        )
    position = torch.arange(batch)
    groups = max(1, batch // group_size)
    group = (position // group_size).clamp(max=groups - 1)
    first = group * group_size
    size = torch.bincount(group)[group]
    return first + (position - first + 1) % size


def depth_mix_mask(
    own: Tensor,
    partner: Tensor,
    margin: float | Tensor = 0.03,
    threshold: float | Tensor = 0.0,
) -> Tensor:
    """DepthMix (Hoyer et al., CVPR 2021): the nearer pixel wins.

    ``own >= partner - margin`` and ``own >= threshold``.

    Args:
        own (Tensor): Disparities (N, 1, H, W), large = near.
        partner (Tensor): Disparities of the partners, same shape.
        margin (float or Tensor): Advantage of the own pixel, in the unit of
            the disparities; negative: handicap. A tensor (N, 1, 1, 1) gives
            every pair its own. Defaults to 0.03.
        threshold (float or Tensor): Smallest disparity that is pasted.
            Defaults to 0, all of [0, 1].

    Returns:
        Tensor: Mask (N, 1, H, W).
    """
    return (own >= partner - margin) & (own >= threshold)


def signed_margin(
    margin: float, flip_probability: float, numbers: Tensor
) -> Tensor:
    """Margin whose sign is drawn per pair (cross-domain DepthMix).

    Args:
        margin (float): Its absolute value.
        flip_probability (float): Probability of the negative sign.
        numbers (Tensor): (N,) uniform in [0, 1).

    Returns:
        Tensor: (N, 1, 1, 1), each entry ``margin`` or ``-margin``.
    """
    sign = torch.where(numbers < flip_probability, -1.0, 1.0)
    return margin * sign.view(-1, 1, 1, 1)


def class_mix_mask(
    label: Tensor,
    num_classes: int,
    numbers: Tensor,
    rounding: str = 'floor',
    include_ignore: bool = False,
) -> Tensor:
    """ClassMix (Olsson et al., WACV 2021): paste half of the classes.

    Of the n classes present in a label map, floor(n / 2) or ceil(n / 2) are
    drawn without replacement. SDE pastes target images on each other with
    'floor' and without the ignore label, source images on target images with
    'ceil' and the ignore label counted as a class.

    Args:
        label (Tensor): (N, H, W) integers; every value outside
            [0, num_classes) is the ignore label.
        num_classes (int): Number of classes C.
        numbers (Tensor): (N, C + 1) uniform in [0, 1): the classes with the
            smallest numbers are chosen.
        rounding (str): 'floor' or 'ceil'. Defaults to 'floor'.
        include_ignore (bool): Whether the ignore label is a class. Defaults
            to False.

    Returns:
        Tensor: Mask (N, 1, H, W), True on the chosen classes.

    Raises:
        ValueError: If ``rounding`` is unknown.
    """
    if rounding not in ROUNDINGS:
        raise ValueError(
            f'rounding={rounding!r}; allowed: {", ".join(ROUNDINGS)}'
        )
    known = (label >= 0) & (label < num_classes)
    flat = label.masked_fill(~known, num_classes).flatten(1).long()
    present = torch.zeros_like(numbers, dtype=torch.bool, device=label.device)
    present.scatter_(1, flat, True)
    present[:, num_classes] &= include_ignore
    wanted = present.sum(1, keepdim=True) + (rounding == 'ceil')
    keys = numbers.to(label.device).masked_fill(~present, math.inf)
    rank = keys.argsort(1).argsort(1)
    chosen = (rank < wanted // 2) & present
    return chosen.gather(1, flat).view(label.shape).unsqueeze(1)


def cut_mix_mask(
    height: int, width: int, numbers: Tensor, area: float = 0.5
) -> Tensor:
    """CutMix (Yun et al., ICCV 2019): one rectangle per image.

    The height is drawn uniformly from [area * H, H], the width follows from
    the area, the place is uniform.

    Args:
        height (int): H of the images.
        width (int): W of the images.
        numbers (Tensor): (N, 3) uniform in [0, 1).
        area (float): Share of the image, in (0, 1]. Defaults to 0.5.

    Returns:
        Tensor: Mask (N, 1, H, W), True inside the rectangle.
    """
    tall = ((area + (1 - area) * numbers[:, 0]) * height).round()
    wide = (area * height * width / tall).round().clamp(max=width)
    top = (numbers[:, 1] * (height - tall + 1)).floor()
    left = (numbers[:, 2] * (width - wide + 1)).floor()
    rows = torch.arange(height, device=numbers.device)
    columns = torch.arange(width, device=numbers.device)
    in_rows = _between(rows, top, tall)
    in_columns = _between(columns, left, wide)
    return (in_rows[:, :, None] & in_columns[:, None, :]).unsqueeze(1)


def mix(mask: Tensor, own: Tensor, partner: Tensor) -> Tensor:
    """Own pixels where the mask is True, else those of the partner.

    Args:
        mask (Tensor): (N, 1, H, W) bool.
        own (Tensor): (N, C, H, W) or (N, H, W): images, probabilities,
            labels, confidences, weights.
        partner (Tensor): Same shape and type.

    Returns:
        Tensor: Same shape and type.
    """
    if own.ndim == mask.ndim - 1:
        mask = mask.squeeze(1)
    return torch.where(mask, own, partner)


def min_max_normalize(maps: Tensor) -> Tensor:
    """Stretch every map to [0, 1]; a constant map becomes 0.

    Args:
        maps (Tensor): (N, 1, H, W).

    Returns:
        Tensor: Same shape.
    """
    low = maps.amin((1, 2, 3), keepdim=True)
    span = maps.amax((1, 2, 3), keepdim=True) - low
    return (maps - low) / span.masked_fill(span == 0, 1)


def _between(places: Tensor, first: Tensor, count: Tensor) -> Tensor:
    first, count = first[:, None], count[:, None]
    return (places >= first) & (places < first + count)
