# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import nn

from .recomputed_blocks import ARCH_SETTINGS


@MODELS.register_module()
class ResNetDeepLab(ResNet):
    """The dilated ResNet of DeepLab-v2 (Chen et al. 2018).

    mmseg's ResNet with the ceil-mode stem pooling of the Caffe model, which
    all DeepLab-v2 checkpoints of the field assume: a 512 x 1024 image gives
    65 x 129 features at stride 8, not 64 x 128. Defaults: stride 8 with
    dilations (1, 1, 2, 4) applied to every block of a stage
    (``contract_dilation=False``) and the stride on a bottleneck's first 1x1
    convolution (``style='caffe'``). Parameter names are mmseg's (and
    torchvision's).

    Args:
        depth (int): 18, 34, 50, 101 or 152. Defaults to 101.
        in_channels (int): Image channels. Defaults to 3.
        base_channels (int): Width of the first stage; 64 in the paper, less
            for slim nets. Defaults to 64.
        stem_channels (int, optional): Width of the stem. Defaults to None,
            ``base_channels``.
        strides (tuple[int]): Stride of each stage. Defaults to (1, 2, 1, 1).
        dilations (tuple[int]): Dilation of each stage.
            Defaults to (1, 1, 2, 4).
        out_indices (tuple[int]): Stages returned. Defaults to (2, 3): the
            auxiliary and the main classifier of the two-level methods.
        style (str): 'caffe' or 'pytorch'. Defaults to 'caffe'.
        contract_dilation (bool): Halve the dilation of a stage's first block.
            Defaults to False.
        norm_cfg (dict): Normalisation. Defaults to trainable BN.
        norm_eval (bool): Keep BN on running statistics. Defaults to False.
        frozen_stages (int): Stages without gradient, -1 for none.
            Defaults to -1.
        with_cp (bool): Recompute the blocks in the backward pass: less
            memory, more time, the same step. Defaults to False.
        init_cfg (dict, optional): Weight initialisation. Defaults to None.
    """

    arch_settings = ARCH_SETTINGS

    def __init__(
        self,
        depth: int = 101,
        in_channels: int = 3,
        base_channels: int = 64,
        stem_channels: int | None = None,
        strides: tuple[int, ...] = (1, 2, 1, 1),
        dilations: tuple[int, ...] = (1, 1, 2, 4),
        out_indices: tuple[int, ...] = (2, 3),
        style: str = 'caffe',
        contract_dilation: bool = False,
        norm_cfg: dict | None = None,
        norm_eval: bool = False,
        frozen_stages: int = -1,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            depth=depth,
            in_channels=in_channels,
            base_channels=base_channels,
            stem_channels=stem_channels or base_channels,
            strides=strides,
            dilations=dilations,
            out_indices=out_indices,
            style=style,
            contract_dilation=contract_dilation,
            norm_cfg=norm_cfg or {'type': 'BN', 'requires_grad': True},
            norm_eval=norm_eval,
            frozen_stages=frozen_stages,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )
        self.maxpool = nn.MaxPool2d(
            kernel_size=3, stride=2, padding=1, ceil_mode=True
        )
