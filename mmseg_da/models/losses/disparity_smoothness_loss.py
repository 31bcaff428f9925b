# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn


def disparity_smoothness(disparity: Tensor, image: Tensor) -> Tensor:
    """Edge-aware smoothness: |d disparity| exp(-|d image|), x and y added.

    Args:
        disparity (Tensor): (N, 1, H, W).
        image (Tensor): (N, C, H, W), same size.

    Returns:
        Tensor: Scalar.
    """
    total = disparity.new_zeros(())
    for dim in (2, 3):
        if disparity.shape[dim] > 1:
            edge = image.diff(dim=dim).abs().mean(1, keepdim=True)
            step = disparity.diff(dim=dim).abs()
            total = total + (step * torch.exp(-edge)).mean()
    return total


@MODELS.register_module()
class DisparitySmoothnessLoss(nn.Module):
    """Smoothness of the disparity over its mean (Godard et al., ICCV 2019).

    Args:
        loss_weight (float): Factor of scale 0; scale s has
            ``loss_weight / 2^s``. Defaults to 1e-3.
    """

    def __init__(self, loss_weight: float = 1e-3) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(
        self, disparity: Tensor, image: Tensor, scale: int = 0
    ) -> Tensor:
        """Weighted smoothness of one scale.

        Args:
            disparity (Tensor): (N, 1, h, w), at the size of its scale.
            image (Tensor): (N, C, h, w), the image at that size, in [0, 1].
            scale (int): Number of halvings. Defaults to 0.

        Returns:
            Tensor: Scalar.
        """
        mean = disparity.mean((2, 3), keepdim=True)
        value = disparity_smoothness(disparity / (mean + 1e-7), image)
        return self.loss_weight / 2**scale * value
