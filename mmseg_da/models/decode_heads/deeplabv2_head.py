# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class DeepLabV2Head(BaseDecodeHead):
    """The classifier of DeepLab-v2: parallel dilated convolutions, summed.

    Four 3x3 convolutions with bias from the feature to the classes, dilation
    = padding = 6, 12, 18, 24; their outputs are added. No normalisation, no
    dropout, no image pooling (that is v3's ``ASPPHead``). Weights start from
    N(0, 0.01), biases from PyTorch's default.

    Args:
        in_channels (int): Channels of the feature, 2048 for ResNet-101.
        num_classes (int): Number of classes.
        dilations (Sequence[int]): Dilation of each convolution.
            Defaults to (6, 12, 18, 24).
        num_active_branches (int, optional): Sum only the first so many;
            published AdaptSegNet weights need 2 (its forward returns after
            the second branch). Defaults to None, all.
        in_index (int): Which backbone output to use. Defaults to -1.
        loss_decode (dict, optional): Loss config. Defaults to None,
            ``PixelCELoss``.
        ignore_index (int): Label without loss. Defaults to 255.
        align_corners (bool): Of the bilinear resize. Defaults to True, as in
            the papers.
        init_cfg (dict, optional): Weight initialisation. Defaults to
            N(0, 0.01) on the weights.

    Raises:
        ValueError: If ``num_active_branches`` is not in
            [1, len(dilations)].
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        dilations: Sequence[int] = (6, 12, 18, 24),
        num_active_branches: int | None = None,
        in_index: int = -1,
        loss_decode: dict | None = None,
        ignore_index: int = 255,
        align_corners: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            channels=in_channels,
            num_classes=num_classes,
            out_channels=num_classes,
            dropout_ratio=0,
            in_index=in_index,
            loss_decode=loss_decode or {'type': 'PixelCELoss'},
            ignore_index=ignore_index,
            align_corners=align_corners,
            init_cfg=init_cfg,
        )
        active = num_active_branches or len(dilations)
        if not 1 <= active <= len(dilations):
            raise ValueError(
                f'DeepLabV2Head.num_active_branches={num_active_branches}: '
                f'expected 1 to {len(dilations)}, the number of dilations'
            )
        self.num_active_branches = active
        del self.conv_seg
        self.convs = nn.ModuleList(
            nn.Conv2d(in_channels, num_classes, 3, padding=d, dilation=d)
            for d in dilations
        )

    def init_weights(self) -> None:
        """Draw the weights from N(0, 0.01); keep the default biases."""
        if self.init_cfg is not None:
            super().init_weights()
            return
        for conv in self.convs:
            nn.init.normal_(conv.weight, std=0.01)
        self._is_init = True

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Sum the active branches.

        Args:
            inputs (Sequence[Tensor]): Backbone outputs; the one at
                ``in_index`` is (N, in_channels, h, w).

        Returns:
            Tensor: Logits (N, num_classes, h, w).
        """
        feature = self._transform_inputs(inputs)
        logits = self.convs[0](feature)
        for conv in self.convs[1 : self.num_active_branches]:
            logits = torch.add(logits, conv(feature))
        return logits
