# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class FCDiscriminator(BaseModule):
    """The fully convolutional domain classifier of AdaptSegNet and ADVENT.

    Convolutions of kernel 4, stride 2, padding 1 with bias; LeakyReLU after
    all but the last, which gives one domain logit per place. No
    normalisation, PyTorch's default initialisation (Tsai et al., CVPR 2018,
    section 4; Vu et al., CVPR 2019). The output has 1/32 of the sides of the
    input, rounded down at every layer: 16 x 32 for 512 x 1024.

    Args:
        in_channels (int): Channels of the maps, normally the number of
            classes.
        base_channels (int): Channels of the first layer; each further one
            has twice as many. Defaults to 64.
        num_convs (int): Number of convolutions, the classifier included.
            Defaults to 5.
        negative_slope (float): Of the LeakyReLU. Defaults to 0.2.
        init_cfg (dict, optional): Weight initialisation. Defaults to None,
            PyTorch's.

    Raises:
        ValueError: If a number is below 1, or an input has a side below
            ``2 ** num_convs`` pixels.
    """

    def __init__(
        self,
        in_channels: int,
        base_channels: int = 64,
        num_convs: int = 5,
        negative_slope: float = 0.2,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        for name, value in (
            ('in_channels', in_channels),
            ('base_channels', base_channels),
            ('num_convs', num_convs),
        ):
            if value < 1:
                raise ValueError(f'FCDiscriminator.{name}={value} must be > 0')
        self.in_channels = in_channels
        self.smallest_side = 2**num_convs
        widths = [base_channels * 2**i for i in range(num_convs - 1)]
        layers: list[nn.Module] = []
        for before, after in zip(
            [in_channels, *widths], [*widths, 1], strict=True
        ):
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1))
            layers.append(nn.LeakyReLU(negative_slope, inplace=True))
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, maps: Tensor) -> Tensor:
        """Judge the domain of class maps.

        Args:
            maps (Tensor): (N, in_channels, H, W), at full image size.

        Returns:
            Tensor: Logits (N, 1, H / 32, W / 32), rounded down; what they
            mean is up to the loss.
        """
        if min(maps.shape[-2:]) < self.smallest_side:
            height, width = maps.shape[-2:]
            raise ValueError(
                f'FCDiscriminator got maps of {width} x {height} px; its '
                f'{self.smallest_side.bit_length() - 1} strided convolutions '
                f'need {self.smallest_side} px on every side. Use larger '
                'training images (size, crop_size) or a smaller num_convs.'
            )
        return self.layers(maps)
