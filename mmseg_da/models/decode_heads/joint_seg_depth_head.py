# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..utils import resize_to


@MODELS.register_module()
class JointSegDepthHead(BaseDecodeHead):
    """Segmentation on the features of a disparity decoder.

    ``JointSegDepthDecoder`` of SDE (Hoyer et al., CVPR 2021): a decoder of
    the depth network's form, so that its weights can start from a depth
    network; the features of each chosen level go through a 1x1 convolution
    without bias, are resized to the image's size divided by
    ``output_stride``, concatenated, and classified.

    The disparity heads exist for the checkpoints of depth networks; they are
    neither computed nor trained (``unused_parameters``).

    Args:
        in_channels (Sequence[int]): Channels of the 5 encoder outputs, stem
            first.
        num_classes (int): Number of classes C.
        decoder (dict, optional): Arguments of :class:`DisparityDecoder`.
            Defaults to None, those of dec6.
        levels (Sequence[int]): Decoder levels that are used. Defaults to
            (0,).
        channels (int): Channels per level and of the classifier. Defaults to
            64.
        output_stride (int): Image size / size of the logits. Defaults to 1.
        hidden (bool): Whether a 3x3 convolution with BN and ReLU precedes
            the classifier (the student of the label selection). Defaults to
            False.
        norm_cfg (dict, optional): Norm of the hidden layer. Defaults to
            None, BN.
        dropout_ratio (float): Channel dropout before the classifier.
            Defaults to 0.
        loss_decode (dict, optional): Loss config. Defaults to None,
            ``PixelCELoss``.
        ignore_index (int): Label without loss. Defaults to 255.
        align_corners (bool): Of the resize to the image's size. Defaults to
            False.
        init_cfg (dict, optional): Weight initialisation. Defaults to None,
            PyTorch's.

    Raises:
        ValueError: If there is no level, or a list does not have 5 entries.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        decoder: dict | None = None,
        levels: Sequence[int] = (0,),
        channels: int = 64,
        output_stride: int = 1,
        hidden: bool = False,
        norm_cfg: dict | None = None,
        dropout_ratio: float = 0.0,
        loss_decode: dict | None = None,
        ignore_index: int = 255,
        align_corners: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        total = channels * len(levels)
        super().__init__(
            in_channels=list(in_channels),
            channels=channels if hidden else total,
            num_classes=num_classes,
            out_channels=num_classes,
            dropout_ratio=dropout_ratio,
            norm_cfg=norm_cfg or {'type': 'BN', 'requires_grad': True},
            in_index=list(range(len(in_channels))),
            input_transform='multiple_select',
            loss_decode=loss_decode or {'type': 'PixelCELoss'},
            ignore_index=ignore_index,
            align_corners=align_corners,
            init_cfg=init_cfg,
        )
        self.levels = tuple(levels)
        self.output_stride = output_stride
        self.decoder = build_decoder(decoder, in_channels)
        if not set(self.levels) <= set(range(len(self.decoder.channels))):
            raise ValueError(
                f'JointSegDepthHead.levels={self.levels}: allowed are '
                'different numbers from 0 (full size) to 4'
            )
        self.project = nn.ModuleDict(
            {
                str(i): nn.Conv2d(
                    self.decoder.channels[i], channels, 1, bias=False
                )
                for i in self.levels
            }
        )
        self.hidden = (
            ConvModule(total, channels, 3, padding=1, norm_cfg=self.norm_cfg)
            if hidden
            else nn.Identity()
        )

    @property
    def unused_parameters(self) -> tuple[str, ...]:
        """tuple[str, ...]: Trainable parameters that no loss reaches.

        The disparity heads, and the levels below the lowest one used.
        """
        unused = [f'decoder.heads.{s}.' for s in self.decoder.scales]
        for i in range(min(self.levels)):
            unused += [f'decoder.before.{i}.', f'decoder.after.{i}.']
        return names_below(self, unused)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Classify every pixel.

        Args:
            inputs (Sequence[Tensor]): The 5 encoder outputs; the first has
                half of the image's size.

        Returns:
            Tensor: Logits (N, C, H / output_stride, W / output_stride).
        """
        features = self._transform_inputs(inputs)
        size = [2 * s // self.output_stride for s in features[0].shape[-2:]]
        x, parts = features[-1], []
        for i in reversed(range(min(self.levels), len(features))):
            x = self.decoder.step(i, x, features)
            if i in self.levels:
                parts.append(resize_to(self.project[str(i)](x), size))
        return self.cls_seg(self.hidden(torch.cat(parts, 1)))


def build_decoder(
    config: dict | None, in_channels: Sequence[int]
) -> nn.Module:
    """Build a :class:`DisparityDecoder` on an encoder's channels."""
    return MODELS.build(
        {'type': 'DisparityDecoder', **(config or {})},
        default_args={'in_channels': tuple(in_channels)},
    )


def names_below(module: nn.Module, prefixes: Sequence[str]) -> tuple[str, ...]:
    """Names of the parameters that begin with one of the prefixes."""
    return tuple(
        name
        for name, _ in module.named_parameters()
        if name.startswith(tuple(prefixes))
    )
