# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..utils.view_synthesis import pose_matrix


@MODELS.register_module()
class PoseNet(BaseModule):
    """Relative camera motion from two frames (Godard et al., ICCV 2019).

    A ResNet on the two frames, concatenated in temporal order, then 1x1 and
    two 3x3 convolutions with ReLU and a 1x1 convolution to 12 numbers, whose
    spatial mean times ``output_scale`` is axis-angle and translation. As in
    the published network the last convolution has outputs for two motions,
    of which the first is used.

    Args:
        encoder (dict): Config of a backbone with 6 input channels, normally
            ``ResNetStem``; its last output is used.
        in_channels (int): Channels of that output. Defaults to 512.
        channels (int): Width of the decoder. Defaults to 256.
        output_scale (float): Factor of the prediction. Defaults to 0.01.
        translation_bias (Sequence[float], optional): Start value of the
            translation (x, y, z) in the units of the depth, a bias on the
            last convolution; forward motion from frame t to t+1 has z < 0
            here. The published network starts near (0, 0, 0). Defaults to
            None.
        init_cfg (dict, optional): Weight initialisation. Defaults to None.
    """

    def __init__(
        self,
        encoder: dict,
        in_channels: int = 512,
        channels: int = 256,
        output_scale: float = 0.01,
        translation_bias: Sequence[float] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.encoder = MODELS.build(encoder)
        self.output_scale = output_scale
        self.net = nn.Sequential(
            nn.Conv2d(in_channels, channels, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, 12, 1),
        )
        if translation_bias is not None:
            bias = torch.tensor(translation_bias) / output_scale
            with torch.no_grad():
                self.net[-1].bias[3:6] = bias

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Motion between two frames in temporal order.

        Args:
            first (Tensor): (N, 3, H, W) in [0, 1].
            second (Tensor): The later frame, same shape.

        Returns:
            tuple[Tensor, Tensor]: Axis-angle in radians and translation,
            both (N, 3), fp32 or higher.
        """
        features = self.encoder(torch.cat([first, second], dim=1))[-1]
        values = self.net(features)
        dtype = torch.promote_types(values.dtype, torch.float32)
        values = self.output_scale * values.to(dtype).mean((2, 3))
        return values[:, :3], values[:, 3:6]

    def neighbour_poses(
        self,
        frames: dict[int, Tensor],
        offsets: Sequence[int] = (-1, 1),
        unit: Tensor | None = None,
    ) -> Tensor:
        """Motions from frame 0 to its neighbours, all in one forward.

        The earlier frame of a pair goes first; for a neighbour before frame 0
        the predicted motion is inverted.

        Args:
            frames (dict[int, Tensor]): Offset -> (N, 3, H, W) in [0, 1],
                with 0.
            offsets (Sequence[int]): Neighbours. Defaults to (-1, 1).
            unit (Tensor, optional): (N,) length of a predicted translation
                of 1. Defaults to None, 1.

        Returns:
            Tensor: (F, N, 4, 4), camera coordinates of frame 0 to those of
            each neighbour.
        """
        pairs = [sorted((0, offset)) for offset in offsets]
        first = torch.cat([frames[pair[0]] for pair in pairs])
        second = torch.cat([frames[pair[1]] for pair in pairs])
        turn, shift = self(first, second)
        if unit is not None:
            shift = shift * unit.repeat(len(pairs))[:, None]
        turns, shifts = turn.chunk(len(pairs)), shift.chunk(len(pairs))
        with torch.autocast(turn.device.type, enabled=False):
            motions = [
                pose_matrix(turns[k], shifts[k], invert=offset < 0)
                for k, offset in enumerate(offsets)
            ]
        return torch.stack(motions)
