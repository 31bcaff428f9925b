# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..backbones.resnet_stem import check_levels
from ..utils.recompute import recompute

LEVELS = 5


class DecoderOutput(NamedTuple):
    """What :class:`DisparityDecoder` computes.

    Attributes:
        features: Level i -> ("upconv", i), (N, channels[i], H / 2^i, W / 2^i)
            (level 4 of a dilated encoder has the size of level 3's input).
        disparities: Scale s -> (N, 1, H / 2^s, W / 2^s) in (0, 1), large is
            near; empty without disparity heads.
    """

    features: dict[int, Tensor]
    disparities: dict[int, Tensor]


@MODELS.register_module()
class DisparityDecoder(BaseModule):
    """U-Net decoder with ASPP that predicts disparity at several scales.

    The decoder of SDE (Hoyer et al., CVPR 2021), after Godard et al., ICCV
    2019. For i = 4..0: ``x = A_i(x)``; nearest upsampling to the size of
    feature i-1 (i = 0: by 2); concatenate feature i-1 behind x; ``x =
    B_i(x)``; ``disparity_i = sigmoid(conv3x3(x))``. A_4 is an ASPP, the other
    A and B are 3x3 convolutions with reflection padding, bias, optional
    norm, and ELU.

    It can be run whole (:meth:`forward`) or level by level, so that two
    decoders can exchange features in between:

    .. code-block:: python

        x = features[-1]
        for i in (4, 3, 2, 1, 0):
            x = decoder.step(i, x, features)   # ("upconv", i)
            if i in decoder.scales:
                disparity = decoder.disparity(i, x)

    ``features`` are the 5 outputs of :class:`ResNetStem`, stem first.

    Parameter names: ``before.4.branches.{0..3}.{0,1}``,
    ``before.4.pooled.{1,2}``, ``before.4.project.{0,1}`` (ASPP);
    ``before.{3,2,1,0}.conv`` and ``after.{4..0}.conv`` (A_i and B_i;
    ``.norm`` with a norm); ``heads.{0..3}`` (disparity).

    Variants of the papers: dec5/dec6 ``channels=(64, 128, 128, 256, 256),
    dilations=(6, 12, 18)``; dec9 ``channels=(64, 64, 128, 128, 256)`` with
    ``norm_cfg=dict(type='BN')``; dec11 ``channels=(16, 32, 64, 128, 256),
    dilations=(3, 6, 9)``.

    Args:
        in_channels (Sequence[int]): Channels of the 5 encoder outputs.
        channels (Sequence[int]): Channels of the levels i = 0..4.
        dilations (Sequence[int]): Rates of the ASPP.
        norm_cfg (dict, optional): Norm of the A and B blocks; None for
            none, as in all but dec9. Defaults to None.
        aspp_norm_cfg (dict, optional): Norm of the ASPP. Defaults to None,
            BN.
        dropout_ratio (float): Element-wise dropout at the end of the ASPP,
            active in train mode. Defaults to 0.5.
        scales (Sequence[int]): Scales with a disparity head; empty for a
            decoder that only gives features. Defaults to (0, 1, 2, 3).
        initial_disparity (float, optional): Disparity that the heads start
            from, by their bias; with a motion in metres the first depth has
            to have the right order. Defaults to None, 0.5 as published.
        with_cp (bool): Recompute every level in the backward pass: less
            memory, more time, the same step. Defaults to False.
        init_cfg (dict, optional): Weight initialisation. Defaults to None,
            PyTorch's.

    Raises:
        ValueError: If a list does not have 5 entries, a scale is unknown or
            the initial disparity is not between 0 and 1.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (64, 256, 512, 1024, 2048),
        channels: Sequence[int] = (64, 128, 128, 256, 256),
        dilations: Sequence[int] = (6, 12, 18),
        norm_cfg: dict | None = None,
        aspp_norm_cfg: dict | None = None,
        dropout_ratio: float = 0.5,
        scales: Sequence[int] = (0, 1, 2, 3),
        initial_disparity: float | None = None,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        for name, values in (
            ('in_channels', in_channels),
            ('channels', channels),
        ):
            if len(values) != LEVELS:
                raise ValueError(
                    f'DisparityDecoder.{name}={tuple(values)}: expected '
                    f'{LEVELS} numbers, one per level'
                )
        if not set(scales) <= set(range(LEVELS)):
            raise ValueError(
                f'DisparityDecoder.scales={tuple(scales)}: allowed are '
                'different numbers from 0 (full size) to 4'
            )
        self.channels = tuple(channels)
        self.scales = tuple(sorted(scales))
        self.with_cp = with_cp
        norm = aspp_norm_cfg or {'type': 'BN', 'requires_grad': True}
        top = _ASPP(in_channels[4], channels[4], dilations, norm)
        top.project.append(nn.Dropout(dropout_ratio))
        self.before = nn.ModuleDict({'4': top})
        self.after = nn.ModuleDict()
        for i in reversed(range(LEVELS)):
            if i < LEVELS - 1:
                block = _ConvBlock(channels[i + 1], channels[i], norm_cfg)
                self.before[str(i)] = block
            skip = in_channels[i - 1] if i else 0
            block = _ConvBlock(channels[i] + skip, channels[i], norm_cfg)
            self.after[str(i)] = block
        self.heads = nn.ModuleDict(
            {str(s): _conv3x3(channels[s], 1) for s in self.scales}
        )
        if initial_disparity is not None:
            _check_share('initial_disparity', initial_disparity)
            logit = math.log(initial_disparity / (1 - initial_disparity))
            for head in self.heads.values():
                nn.init.constant_(head.bias, logit)

    def step(self, i: int, x: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Run level i.

        Args:
            i (int): Level, 4 first.
            x (Tensor): Result of level i + 1; ``features[4]`` for i = 4.
            features (Sequence[Tensor]): The 5 encoder outputs.

        Returns:
            Tensor: ("upconv", i), (N, channels[i], h, w) with the size of
            ``features[i - 1]``; twice that of ``features[0]`` for i = 0.
        """
        skip = features[i - 1] if i else None
        return self._run(self._level, i, x, skip)

    def disparity(self, i: int, x: Tensor) -> Tensor:
        """Disparity (N, 1, h, w) in (0, 1) of ("upconv", i); i in scales."""
        return self._run(self._head, i, x)

    def forward(self, features: Sequence[Tensor]) -> DecoderOutput:
        """Run all levels.

        Args:
            features (Sequence[Tensor]): The 5 encoder outputs.

        Returns:
            DecoderOutput: Features of all levels and all disparities.

        Raises:
            ValueError: If there are not 5 levels.
        """
        check_levels(features, 'DisparityDecoder')
        levels, disparities = {}, {}
        x = features[-1]
        for i in reversed(range(LEVELS)):
            levels[i] = x = self.step(i, x, features)
            if i in self.scales:
                disparities[i] = self.disparity(i, x)
        return DecoderOutput(levels, disparities)

    def _run(self, part: Callable[..., Tensor], *inputs: Any) -> Tensor:
        if self.with_cp:
            return recompute(self, part, *inputs)
        return part(*inputs)

    def _level(self, i: int, x: Tensor, skip: Tensor | None) -> Tensor:
        x = self.before[str(i)](x)
        if skip is None:
            x = F.interpolate(x, scale_factor=2.0, mode='nearest')
        else:
            if x.shape[-2:] != skip.shape[-2:]:
                x = F.interpolate(x, size=skip.shape[-2:], mode='nearest')
            x = torch.cat([x, skip], dim=1)
        return self.after[str(i)](x)

    def _head(self, i: int, x: Tensor) -> Tensor:
        return torch.sigmoid(self.heads[str(i)](x))


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(
            f'DisparityDecoder.{name}={value}; expected a number between 0 '
            'and 1'
        )


def _conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(
        in_channels, out_channels, 3, padding=1, padding_mode='reflect'
    )


class _ConvBlock(nn.Module):
    """3x3 convolution with reflection padding, [norm], ELU."""

    def __init__(
        self, in_channels: int, out_channels: int, norm_cfg: dict | None
    ) -> None:
        super().__init__()
        self.conv = _conv3x3(in_channels, out_channels)
        self.norm = nn.Identity()
        if norm_cfg is not None:
            self.norm = build_norm_layer(norm_cfg, out_channels)[1]

    def forward(self, x: Tensor) -> Tensor:
        return F.elu(self.norm(self.conv(x)), inplace=True)


class _ASPP(nn.Module):
    """1x1, dilated 3x3 and pooled branches, concatenated and projected.

    The pooled branch's norm sees 1x1 maps: a training batch of one image has
    no statistics there.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        dilations: Sequence[int],
        norm_cfg: dict,
    ) -> None:
        super().__init__()

        def unit(channels: int, kernel: int, dilation: int = 1) -> list:
            padding = dilation if kernel > 1 else 0
            conv = nn.Conv2d(
                channels,
                out_channels,
                kernel,
                padding=padding,
                dilation=dilation,
                bias=False,
            )
            norm = build_norm_layer(norm_cfg, out_channels)[1]
            return [conv, norm, nn.ReLU(inplace=True)]

        branches = [unit(in_channels, 1)]
        branches += [unit(in_channels, 3, rate) for rate in dilations]
        self.branches = nn.ModuleList(nn.Sequential(*x) for x in branches)
        self.pooled = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), *unit(in_channels, 1)
        )
        total = (len(branches) + 1) * out_channels
        self.project = nn.Sequential(*unit(total, 1))

    def forward(self, x: Tensor) -> Tensor:
        norm = self.pooled[2]
        if isinstance(norm, nn.BatchNorm2d) and norm.training and len(x) < 2:
            raise ValueError(
                'DisparityDecoder: its image pooling has BatchNorm, which '
                'cannot train on a batch of 1 image; use at least 2 images '
                'per process'
            )
        outputs = [branch(x) for branch in self.branches]
        # A 1x1 map resized by any rule is that value everywhere.
        outputs.append(self.pooled(x).expand(-1, -1, *x.shape[-2:]))
        return self.project(torch.cat(outputs, dim=1))
