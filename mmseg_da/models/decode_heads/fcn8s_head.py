# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class FCN8sHead(BaseDecodeHead):
    """The classifier of FCN-8s (Long et al. 2015) with BatchNorm.

    On pool5: convolution 7x7 (padding 3), 1x1, 1x1 to the classes, the first
    two with norm, ReLU and channel dropout. Then twice: enlarge by 2
    (bilinear, fixed) and add a 1x1 convolution of pool4, respectively pool3.
    The output has stride 8. The skip convolutions start from N(0, 0.01), all
    else from PyTorch's default.

    Args:
        num_classes (int): Number of classes.
        in_channels (Sequence[int]): Channels of pool3, pool4, pool5.
            Defaults to (256, 512, 512).
        channels (int): Width of the two hidden layers. Defaults to 4096.
        dropout_ratio (float): Of whole channels, in [0, 1). Defaults to 0.1.
        norm_cfg (dict, optional): Normalisation; 'SyncBN' on several GPUs.
            Defaults to None, trainable BN.
        in_index (Sequence[int]): Which backbone outputs are pool3, pool4 and
            pool5. Defaults to (0, 1, 2).
        loss_decode (dict, optional): Loss config. Defaults to None,
            ``PixelCELoss``.
        ignore_index (int): Label without loss. Defaults to 255.
        align_corners (bool): Of every enlargement, also the last one to the
            image. Defaults to True, as in SAC (Araslanov & Roth 2021).
        init_cfg (dict, optional): Weight initialisation. Defaults to the one
            above.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Sequence[int] = (256, 512, 512),
        channels: int = 4096,
        dropout_ratio: float = 0.1,
        norm_cfg: dict | None = None,
        in_index: Sequence[int] = (0, 1, 2),
        loss_decode: dict | None = None,
        ignore_index: int = 255,
        align_corners: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels=list(in_channels),
            channels=channels,
            num_classes=num_classes,
            out_channels=num_classes,
            dropout_ratio=0,
            norm_cfg=norm_cfg or {'type': 'BN'},
            in_index=list(in_index),
            input_transform='multiple_select',
            loss_decode=loss_decode or {'type': 'PixelCELoss'},
            ignore_index=ignore_index,
            align_corners=align_corners,
            init_cfg=init_cfg,
        )
        del self.conv_seg
        pool3, pool4, pool5 = in_channels
        self.vgg_head = nn.Sequential(
            *self._hidden(pool5, 7, dropout_ratio),
            *self._hidden(channels, 1, dropout_ratio),
            nn.Conv2d(channels, num_classes, 1),
        )
        self.score_pool4 = nn.Conv2d(pool4, num_classes, 1)
        self.score_pool3 = nn.Conv2d(pool3, num_classes, 1)

    def _hidden(
        self, in_channels: int, kernel: int, dropout_ratio: float
    ) -> list[nn.Module]:
        width = self.channels
        return [
            nn.Conv2d(in_channels, width, kernel, padding=kernel // 2),
            build_norm_layer(self.norm_cfg, width)[1],
            nn.ReLU(inplace=True),
            nn.Dropout2d(dropout_ratio),
        ]

    def init_weights(self) -> None:
        """Draw the skips' weights from N(0, 0.01); keep the other ones."""
        if self.init_cfg is not None:
            super().init_weights()
            return
        for conv in (self.score_pool4, self.score_pool3):
            nn.init.normal_(conv.weight, std=0.01)
        self._is_init = True

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Classify pool5 and refine with the two skips.

        Args:
            inputs (Sequence[Tensor]): Backbone outputs; those at
                ``in_index`` are (N, C3, 4h, 4w), (N, C4, 2h, 2w) and
                (N, C5, h, w).

        Returns:
            Tensor: Logits (N, num_classes, 4h, 4w).
        """
        pool3, pool4, pool5 = self._transform_inputs(inputs)
        score = self._twice(self.vgg_head(pool5)) + self.score_pool4(pool4)
        return self._twice(score) + self.score_pool3(pool3)

    def _twice(self, score: Tensor) -> Tensor:
        return F.interpolate(
            score,
            scale_factor=2,
            mode='bilinear',
            align_corners=self.align_corners,
        )
