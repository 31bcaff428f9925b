# SPDX-License-Identifier: Apache-2.0
"""SDE's two mixes: target images with each other, source on target images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .mixing import (
    class_mix_mask,
    cut_mix_mask,
    depth_mix_mask,
    min_max_normalize,
    mix,
    partner_order,
    signed_margin,
)
from .pseudo_label import confident_share, replace_by_ground_truth
from .sde_settings import MixSettings
from .shared_draws import SharedDraws
from .strong_augment import AugmentPlan

TARGET_MIXES = ('identity', 'depth', 'class', 'cut')
CROSS_MIXES = ('depth', 'class')


class MixInput(NamedTuple):
    """Images that take part in a mix.

    Attributes:
        images (Tensor): (N, 3, H, W).
        label (Tensor): (N, H, W), classes or ``ignore_index``.
        confidence (Tensor): (N, H, W) in [0, 1]; 1 for true labels.
        disparity (Tensor, optional): (N, 1, H, W), large = near.
    """

    images: Tensor
    label: Tensor
    confidence: Tensor
    disparity: Tensor | None


class MixOutput(NamedTuple):
    """Mixed images and what they are trained on.

    Attributes:
        images (Tensor): (N, 3, H, W), not yet augmented.
        label (Tensor): (N, H, W).
        weight (Tensor): (N, H, W) or a scalar, in [0, 1].
        quality (Tensor): Scalar, share of confident pixels.
        share (Tensor): Scalar, share of the pixels that are of the image
            itself; in the cross-domain mix, of the source.
        plan (AugmentPlan): The strong augmentation that was drawn.
    """

    images: Tensor
    label: Tensor
    weight: Tensor
    quality: Tensor
    share: Tensor
    plan: AugmentPlan


def mix_targets(
    kind: str,
    target: MixInput,
    truth: Sequence,
    num_classes: int,
    settings: MixSettings,
    draws: SharedDraws,
) -> MixOutput:
    """Compose target images with each other (target DepthMix and kin).

    The weight is the share of confident pixels in the *mixed* batch. Void
    pixels of labelled images do not count as confident.

    Args:
        kind (str): One of ``TARGET_MIXES``.
        target (MixInput): At least 2 images, except for 'identity'.
        truth (Sequence): See :func:`with_ground_truth`.
        num_classes (int): Number of classes.
        settings (MixSettings): See there.
        draws (SharedDraws): The iteration's random numbers.

    Returns:
        MixOutput: One mixed image per image.
    """
    target = with_ground_truth(target, truth, void_confidence=0.0)
    images, label, confidence, _ = target
    share = confidence.new_ones(())
    if kind != 'identity':
        partner = partner_order(len(images)).to(images.device)
        mask = _target_mask(
            kind, target, partner, num_classes, settings, draws
        )
        images, label, confidence = (
            mix(mask, x, x[partner]) for x in (images, label, confidence)
        )
        share = mask.to(confidence).mean()
    quality = confident_share(confidence, settings.pseudo_threshold)
    plan = settings.augment.plan(draws, len(images))
    return MixOutput(images, label, quality, quality, share, plan)


def mix_source_on_target(
    kind: str,
    source: MixInput,
    target: MixInput,
    truth: Sequence,
    num_classes: int,
    settings: MixSettings,
    draws: SharedDraws,
) -> MixOutput:
    """Compose source image i with target image i (cross-domain DepthMix).

    Source pixels have weight 1, target pixels the share of confident pixels
    in the target batch *before* mixing, where void pixels of labelled images
    count as confident.

    Args:
        kind (str): One of ``CROSS_MIXES``.
        source (MixInput): N images with true labels.
        target (MixInput): N images of the same size.
        truth (Sequence): See :func:`with_ground_truth`.
        num_classes (int): Number of classes.
        settings (MixSettings): See there.
        draws (SharedDraws): The iteration's random numbers.

    Returns:
        MixOutput: One mixed image per pair.

    Raises:
        ValueError: If the batches differ in shape.
    """
    if source.images.shape != target.images.shape:
        raise ValueError(
            f'SDE.cross_domain_mix: source {tuple(source.images.shape)} and '
            f'target {tuple(target.images.shape)} are mixed pair by pair; '
            'give both the same crop size and the same count in source_ratio'
        )
    target = with_ground_truth(target, truth, void_confidence=1.0)
    mask = _cross_mask(kind, source, target, num_classes, settings, draws)
    quality = confident_share(target.confidence, settings.pseudo_threshold)
    plan = settings.augment.plan(draws, len(source.images), per_image=True)
    return MixOutput(
        mix(mask, source.images, target.images),
        mix(mask, source.label, target.label),
        torch.where(mask.squeeze(1), 1.0, quality),
        quality,
        mask.to(quality).mean(),
        plan,
    )


def with_ground_truth(
    target: MixInput,
    samples: Sequence,
    void_confidence: float,
    ignore_index: int = 255,
) -> MixInput:
    """Replace the teacher's proposals on images that bring labels.

    Args:
        target (MixInput): N images with the teacher's proposals.
        samples (Sequence[SegDataSample]): N samples, some with
            ``gt_sem_seg``; none to keep all proposals.
        void_confidence (float): Of their void pixels, see
            :func:`replace_by_ground_truth`.
        ignore_index (int): Label without class. Defaults to 255.

    Returns:
        MixInput: With other label and confidence.
    """
    known = ['gt_sem_seg' in sample for sample in samples]
    if not any(known):
        return target
    truth = [
        sample.gt_sem_seg.data[0] if has_label else proposal
        for sample, has_label, proposal in zip(
            samples, known, target.label, strict=True
        )
    ]
    label, confidence = replace_by_ground_truth(
        target.label,
        target.confidence,
        torch.stack(truth),
        torch.tensor(known, device=target.label.device),
        ignore_index,
        void_confidence,
    )
    return target._replace(label=label, confidence=confidence)


def _target_mask(
    kind: str,
    target: MixInput,
    partner: Tensor,
    num_classes: int,
    settings: MixSettings,
    draws: SharedDraws,
) -> Tensor:
    count, height, width = target.label.shape
    device = target.label.device
    if kind == 'class':
        numbers = draws.uniform(count, num_classes + 1)
        return class_mix_mask(target.label, num_classes, numbers)
    if kind == 'cut':
        numbers = draws.uniform(count, 3).to(device)
        return cut_mix_mask(height, width, numbers)
    threshold = settings.depth_threshold
    if not isinstance(threshold, (int, float)):
        low, high = threshold
        numbers = draws.uniform(count).to(device)
        threshold = (low + (high - low) * numbers).view(-1, 1, 1, 1)
    disparity = target.disparity
    return depth_mix_mask(
        disparity, disparity[partner], settings.margin, threshold
    )


def _cross_mask(
    kind: str,
    source: MixInput,
    target: MixInput,
    num_classes: int,
    settings: MixSettings,
    draws: SharedDraws,
) -> Tensor:
    count = len(source.label)
    if kind == 'class':
        numbers = draws.uniform(count, num_classes + 1)
        return class_mix_mask(
            source.label,
            num_classes,
            numbers,
            rounding='ceil',
            include_ignore=True,
        )
    disparity = source.disparity
    if settings.source_disparity_norm == 'minmax':
        disparity = min_max_normalize(disparity)
    margin = signed_margin(
        settings.margin,
        settings.margin_flip_probability,
        draws.uniform(count),
    )
    return depth_mix_mask(disparity, target.disparity, margin.to(disparity))
