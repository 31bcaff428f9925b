# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch
from mmengine.dist import all_reduce, get_world_size
from mmseg.registry import MODELS
from torch import Tensor, nn


def berhu(error: Tensor, threshold: Tensor) -> Tensor:
    """Reverse Huber: e up to the threshold c, then (e^2 + c^2) / (2 c).

    Args:
        error (Tensor): Non-negative, any shape.
        threshold (Tensor): Scalar c >= 0.

    Returns:
        Tensor: Same shape; finite with a finite gradient for c = 0 too.
    """
    safe = threshold.clamp_min(torch.finfo(error.dtype).eps)
    square = (error.square() + safe.square()) / (2 * safe)
    return torch.where(error <= threshold, error, square)


@MODELS.register_module()
class BerHuLoss(nn.Module):
    """Reverse Huber loss between disparities (Laina et al., 3DV 2016).

    The threshold is a share of the largest error of the (joint) batch and
    carries no gradient. The mean is taken over all elements; masked ones
    count as 0.

    Args:
        threshold (float): c as a share of the largest error. Defaults to
            0.2.
        valid_rows (float): Rows from int(valid_rows * H) on are masked: the
            own car. 1 masks nothing. Defaults to 0.9.
        loss_weight (float): Factor. Defaults to 1.0.
    """

    def __init__(
        self,
        threshold: float = 0.2,
        valid_rows: float = 0.9,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.threshold = threshold
        self.valid_rows = valid_rows
        self.loss_weight = loss_weight

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Weighted mean loss.

        Args:
            prediction (Tensor): (N, 1, H, W).
            target (Tensor): Same shape.

        Returns:
            Tensor: Scalar, fp32 or higher.
        """
        dtype = torch.promote_types(prediction.dtype, torch.float32)
        error = (target.detach().to(dtype) - prediction.to(dtype)).abs()
        height = error.shape[-2]
        rows = torch.arange(height, device=error.device)
        error = error * (rows < int(self.valid_rows * height))[:, None]
        largest = error.detach().amax()
        if get_world_size() > 1:
            all_reduce(largest, op='max')
        return self.loss_weight * berhu(error, self.threshold * largest).mean()
