# SPDX-License-Identifier: Apache-2.0
"""Residual blocks whose ``with_cp`` leaves BatchNorm statistics alone.

mmseg's own updates them twice a step, and its reentrant checkpoints fail
under DDP when a network runs several times before the backward pass.
"""

from __future__ import annotations

from typing import Any

from mmseg.models.backbones import ResNet
from mmseg.models.backbones import resnet as mmseg_resnet
from torch import Tensor

from ..utils.recompute import recompute


class _Recomputed:
    def __init__(self, *args: Any, with_cp: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.recompute = with_cp

    def forward(self, x: Tensor) -> Tensor:
        """The block (N, C, H, W) -> (N, C', h, w)."""
        if self.recompute:
            return recompute(self, super().forward, x)
        return super().forward(x)


class BasicBlock(_Recomputed, mmseg_resnet.BasicBlock):
    """mmseg's block with another ``with_cp``."""


class Bottleneck(_Recomputed, mmseg_resnet.Bottleneck):
    """mmseg's block with another ``with_cp``."""


BLOCKS = {
    mmseg_resnet.BasicBlock: BasicBlock,
    mmseg_resnet.Bottleneck: Bottleneck,
}
# For the attribute of that name: depth -> block, blocks per stage.
ARCH_SETTINGS = {
    depth: (BLOCKS[block], stages)
    for depth, (block, stages) in ResNet.arch_settings.items()
}
