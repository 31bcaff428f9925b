# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..utils import logit_loss, resize_to
from .joint_seg_depth_head import build_decoder, names_below


class MultiTaskOutput(NamedTuple):
    """What :class:`PADHead` computes.

    Attributes:
        final: Logits (N, C, H, W); None where only depth was asked for.
        intermediate: Logits before the exchange (N, C, h, w); likewise.
        disparities: Scale s -> (N, 1, H / 2^s, W / 2^s) in (0, 1); empty
            where only segmentation was asked for.
    """

    final: Tensor | None
    intermediate: Tensor | None
    disparities: dict[int, Tensor]


class SelfAttention(nn.Module):
    """Attention-gated features: ``conv(x) * sigmoid(gate(x))``.

    Both 3x3, without bias, zero-padded; the gate's kernel starts at zero, so
    that the gate starts at 0.5.

    Args:
        channels (int): Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.gate = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        nn.init.zeros_(self.gate.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Gate features (N, channels, h, w)."""
        return self.conv(x) * torch.sigmoid(self.gate(x))


@MODELS.register_module()
class PADHead(BaseDecodeHead):
    """Segmentation and depth with attention-gated exchange.

    PAD-Net (Xu et al., CVPR 2018) as SDE (Hoyer et al., CVPR 2021) uses it:
    two decoders of the depth network's form; at ``distill_level`` each adds
    the gated features of the other to its own. Depth losses reach the
    segmentation decoder and the other way round.

    ``forward`` gives the final logits, so inside an ``EncoderDecoder``
    prediction is that of any segmentor; methods that need disparities call
    :meth:`forward_tasks` and :meth:`task_losses`.

    Loss keys: ``loss_<kind>`` (final logits) and ``loss_<kind>_intermediate``,
    each weighted by 1/2.

    Args:
        in_channels (Sequence[int]): Channels of the 5 encoder outputs, stem
            first.
        num_classes (int): Number of classes C.
        decoder (dict, optional): Arguments of both :class:`DisparityDecoder`.
            Defaults to None, those of dec6.
        distill_level (int): Decoder level of the exchange, 1 to 4. Defaults
            to 2, 1/4 of the image.
        loss_decode (dict, optional): Loss config. Defaults to None,
            ``PixelCELoss``.
        ignore_index (int): Label without loss. Defaults to 255.
        align_corners (bool): Of the resize of predictions to the image's
            size. Defaults to False, as in JointSegDepthHead.
        loss_align_corners (bool): Of the resize of logits to the labels'
            size. Defaults to True, as in SDE's loss.
        init_cfg (dict, optional): Weight initialisation. Defaults to None,
            PyTorch's.

    Raises:
        ValueError: If ``distill_level`` is not in 1..4.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        decoder: dict | None = None,
        distill_level: int = 2,
        loss_decode: dict | None = None,
        ignore_index: int = 255,
        align_corners: bool = False,
        loss_align_corners: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        depth_decoder = build_decoder(decoder, in_channels)
        widths = depth_decoder.channels
        if not 1 <= distill_level < len(widths):
            raise ValueError(
                f'PADHead.distill_level={distill_level}: expected 1 to '
                f'{len(widths) - 1}'
            )
        super().__init__(
            in_channels=list(in_channels),
            channels=widths[0],
            num_classes=num_classes,
            out_channels=num_classes,
            dropout_ratio=0,
            in_index=list(range(len(in_channels))),
            input_transform='multiple_select',
            loss_decode=loss_decode or {'type': 'PixelCELoss'},
            ignore_index=ignore_index,
            align_corners=align_corners,
            init_cfg=init_cfg,
        )
        self.loss_align_corners = loss_align_corners
        self.distill_level = distill_level
        self.depth_decoder = depth_decoder
        self.seg_decoder = build_decoder(decoder, in_channels)
        width = widths[distill_level]
        self.depth_attention = SelfAttention(width)
        self.seg_attention = SelfAttention(width)
        self.intermediate_seg = nn.Conv2d(width, num_classes, 1)

    @property
    def unused_parameters(self) -> tuple[str, ...]:
        """tuple[str, ...]: The disparity heads of the segmentation decoder.

        They exist because both decoders start from one depth checkpoint.
        """
        return names_below(self, ['seg_decoder.heads.'])

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Final logits (N, C, H, W) of 5 encoder outputs."""
        return self._run(inputs, depth=False).final

    def forward_depth(self, inputs: Sequence[Tensor]) -> dict[int, Tensor]:
        """Disparities alone; segmentation stops after the exchange.

        Args:
            inputs (Sequence[Tensor]): The 5 encoder outputs.

        Returns:
            dict[int, Tensor]: See :class:`MultiTaskOutput`.
        """
        return self._run(inputs, segmentation=False).disparities

    def forward_tasks(self, inputs: Sequence[Tensor]) -> MultiTaskOutput:
        """Logits and disparities.

        Args:
            inputs (Sequence[Tensor]): The 5 encoder outputs; the first has
                half of the image's size.

        Returns:
            MultiTaskOutput: See there.
        """
        return self._run(inputs)

    def loss(
        self,
        inputs: Sequence[Tensor],
        batch_data_samples: list,
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Losses of a labelled batch without depth, see ``task_losses``."""
        outputs = self._run(inputs, depth=False)
        return self.task_losses(outputs, batch_data_samples)

    def task_losses(
        self, outputs: MultiTaskOutput, data_samples: list
    ) -> dict[str, Tensor]:
        """Segmentation losses of final and intermediate logits.

        Args:
            outputs (MultiTaskOutput): Of :meth:`forward_tasks`.
            data_samples (list): N samples with ``gt_sem_seg``.

        Returns:
            dict[str, Tensor]: Scalars, each already multiplied by 1/2.
        """
        size = data_samples[0].gt_sem_seg.shape[-2:]
        losses = {}
        for suffix, logits in (
            ('', outputs.final),
            ('_intermediate', outputs.intermediate),
        ):
            logits = resize_to(logits, size, self.loss_align_corners)
            terms = logit_loss(self, logits, data_samples)
            losses.update({f'{k}{suffix}': 0.5 * v for k, v in terms.items()})
        return losses

    def _run(
        self,
        inputs: Sequence[Tensor],
        segmentation: bool = True,
        depth: bool = True,
    ) -> MultiTaskOutput:
        """Both decoders down to the exchange, then what is asked for."""
        features = self._transform_inputs(inputs)
        seg_x = depth_x = features[-1]
        intermediate, disparities = None, {}
        for i in reversed(range(len(features))):
            shared = i >= self.distill_level
            if segmentation or shared:
                seg_x = self.seg_decoder.step(i, seg_x, features)
            if depth or shared:
                depth_x = self.depth_decoder.step(i, depth_x, features)
            if depth and i in self.depth_decoder.scales:
                disparities[i] = self.depth_decoder.disparity(i, depth_x)
            if i == self.distill_level:
                if segmentation:
                    intermediate = self.intermediate_seg(seg_x)
                seg_x, depth_x = (
                    seg_x + self.depth_attention(depth_x),
                    depth_x + self.seg_attention(seg_x),
                )
        final = self.cls_seg(seg_x) if segmentation else None
        return MultiTaskOutput(final, intermediate, disparities)
