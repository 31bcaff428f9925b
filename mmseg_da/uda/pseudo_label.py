# SPDX-License-Identifier: Apache-2.0
"""Labels that a teacher proposes, and how far they are trusted."""

from __future__ import annotations

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor


def pseudo_label(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Most likely class and its probability, in fp32 or higher.

    Args:
        logits (Tensor): (N, C, H, W) of the teacher, without a graph.

    Returns:
        tuple[Tensor, Tensor]: Label (N, H, W) in [0, C), confidence
        (N, H, W) in (0, 1].
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    confidence, label = logits.to(dtype).softmax(1).max(1)
    return label, confidence


def replace_by_ground_truth(
    label: Tensor,
    confidence: Tensor,
    truth: Tensor,
    is_labeled: Tensor,
    ignore_index: int = 255,
    void_confidence: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Use the true labels of the images that have some (``mix_use_gt``).

    A labelled pixel counts as a one-hot prediction of confidence 1. A void
    pixel of a labelled image has no class; SDE gives it confidence 0 when
    target images are mixed with each other (zero vector), but 1 in the
    cross-domain mix.

    Args:
        label (Tensor): Pseudo-labels (N, H, W).
        confidence (Tensor): Their confidence (N, H, W).
        truth (Tensor): True labels (N, H, W); any value where unlabelled.
        is_labeled (Tensor): (N,) bool, the images with true labels.
        ignore_index (int): Label without class. Defaults to 255.
        void_confidence (float): Confidence of void pixels. Defaults to 0.

    Returns:
        tuple[Tensor, Tensor]: Label (N, H, W), ``ignore_index`` on void, and
        confidence (N, H, W).
    """
    labeled = is_labeled.view(-1, 1, 1)
    certain = torch.where(truth == ignore_index, void_confidence, 1.0)
    return (
        torch.where(labeled, truth, label),
        torch.where(labeled, certain.to(confidence), confidence),
    )


def confident_share(confidence: Tensor, threshold: float = 0.968) -> Tensor:
    """Share of confident pixels in the batch of all processes.

    Args:
        confidence (Tensor): (N, H, W), of one shape in all processes.
        threshold (float): Smallest confidence that counts. Defaults to
            0.968 (SDE, DACS).

    Returns:
        Tensor: Scalar in [0, 1].
    """
    share = (confidence >= threshold).to(confidence.dtype).mean()
    if get_world_size() > 1:
        all_reduce(share, op='mean')
    return share
