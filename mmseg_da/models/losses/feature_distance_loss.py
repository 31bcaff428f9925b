# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch
from mmengine.dist import all_reduce, get_world_size
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class FeatureDistanceLoss(nn.Module):
    """Distance of features to those of a frozen network (SDE, sec. 3.1).

    ONE Euclidean norm over all elements of the batch, not a mean: it grows
    with the root of batch and image size. Under several processes it is the
    norm over the joint batch, with the gradient of one process.

    Args:
        loss_weight (float): Factor. Defaults to 1e-2.
    """

    def __init__(self, loss_weight: float = 1e-2) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, features: Tensor, reference: Tensor) -> Tensor:
        """Weighted distance.

        Args:
            features (Tensor): Of the trained encoder, any shape.
            reference (Tensor): Of the frozen one, same shape.

        Returns:
            Tensor: Scalar, fp32 or higher; gradient 0 where both agree.
        """
        dtype = torch.promote_types(features.dtype, torch.float32)
        difference = features.to(dtype) - reference.detach().to(dtype)
        own = difference.square().sum()
        world = get_world_size()
        if world > 1:
            total = own.detach().clone()
            all_reduce(total)
            own = own + (total - own.detach())
        norm = own.clamp_min(torch.finfo(dtype).tiny).sqrt()
        if world > 1:
            # DDP averages gradients over the processes.
            norm = world * norm - (world - 1) * norm.detach()
        return self.loss_weight * norm
