# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import Tensor

from .recomputed_blocks import ARCH_SETTINGS


@MODELS.register_module()
class ResNetStem(ResNet):
    """ResNet that also returns its stem: the encoder of the depth networks.

    Five levels: the stem after its ReLU and before max-pooling (stride 2),
    then the four stages. Images come in [0, 1], RGB; the network itself
    computes ``(x - input_mean) / input_std`` with one scalar for all channels
    (Godard et al., ICCV 2019), so that frames, mixed images and colour
    augmentation share one range. Its data preprocessor therefore has
    ``mean=[0, 0, 0], std=[255, 255, 255], bgr_to_rgb=True``. Parameter names
    are mmseg's (and torchvision's).

    ``dilated=True`` is torchvision's ``replace_stride_with_dilation=[False,
    False, True]``: the last stage has stride 1, its first block dilation 1,
    the others dilation 2.

    Args:
        depth (int): 18, 34, 50, 101 or 152. Defaults to 101.
        in_channels (int): Image channels; 6 for a pair of frames. A stem
            kernel of 3 channels in a checkpoint is then tiled and divided by
            the number of copies. Defaults to 3.
        base_channels (int): Width of the first stage. Defaults to 64.
        stem_channels (int, optional): Width of the stem. Defaults to None,
            ``base_channels``.
        dilated (bool): See above. Defaults to True.
        input_mean (float): Subtracted from the image. Defaults to 0.45.
        input_std (float): Then divided by. Defaults to 0.225.
        norm_cfg (dict, optional): Normalisation. Defaults to trainable BN.
        norm_eval (bool): Keep BN on running statistics. Defaults to False.
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
        dilated: bool = True,
        input_mean: float = 0.45,
        input_std: float = 0.225,
        norm_cfg: dict | None = None,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            depth=depth,
            in_channels=in_channels,
            base_channels=base_channels,
            stem_channels=stem_channels or base_channels,
            strides=(1, 2, 2, 1) if dilated else (1, 2, 2, 2),
            dilations=(1, 1, 1, 2) if dilated else (1, 1, 1, 1),
            out_indices=(0, 1, 2, 3),
            style='pytorch',
            contract_dilation=True,
            norm_cfg=norm_cfg or {'type': 'BN', 'requires_grad': True},
            norm_eval=norm_eval,
            frozen_stages=-1,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )
        self.in_channels = in_channels
        self.input_mean = input_mean
        self.input_std = input_std
        self._register_load_state_dict_pre_hook(self._widen_stem)

    @property
    def out_channels(self) -> tuple[int, ...]:
        """tuple[int, ...]: Channels of the five outputs."""
        stem = self.conv1.out_channels
        expansion = self.block.expansion
        stages = [self.base_channels * 2**i * expansion for i in range(4)]
        return (stem, *stages)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the five levels.

        Args:
            x (Tensor): (N, in_channels, H, W) in [0, 1].

        Returns:
            tuple[Tensor, ...]: Strides 2, 4, 8, 16 and 32 (16 if dilated).
        """
        x = (x - self.input_mean) / self.input_std
        x = self.relu(self.norm1(self.conv1(x)))
        outputs = [x]
        x = self.maxpool(x)
        for name in self.res_layers:
            x = getattr(self, name)(x)
            outputs.append(x)
        return tuple(outputs)

    def train(self, mode: bool = True) -> ResNetStem:
        """Set the mode; mmseg's method returns nothing."""
        super().train(mode)
        return self

    def _widen_stem(self, state_dict: dict, prefix: str, *_: object) -> None:
        """Let a stem of 3 input channels load into one of more."""
        key = f'{prefix}conv1.weight'
        weight = state_dict.get(key)
        if weight is None or weight.shape[1] >= self.in_channels:
            return
        copies, rest = divmod(self.in_channels, weight.shape[1])
        if not rest:
            state_dict[key] = weight.repeat(1, copies, 1, 1) / copies


def check_levels(features: Sequence[Tensor], user: str) -> None:
    """Raise unless there are the five levels of :class:`ResNetStem`."""
    if len(features) != 5:
        raise ValueError(
            f'{user} needs 5 feature levels, got {len(features)}; use the '
            'backbone ResNetStem, whose first output is the stem'
        )
