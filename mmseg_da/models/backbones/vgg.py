# SPDX-License-Identifier: Apache-2.0
"""VGG-16 with BatchNorm, as FCN-8s and DeepLab-v2 use it."""

from __future__ import annotations

from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import CheckpointLoader
from mmseg.registry import MODELS
from torch import Tensor, nn

CONVS_PER_STAGE = (2, 2, 3, 3, 3)
WIDTH_FACTORS = (1, 2, 4, 8, 8)
# Where torchvision's vgg16_bn has its pools and its last convolution.
POOL3, POOL4, POOL5 = 23, 33, 43
CONV5_3 = 40


class _VGG16(BaseModule):
    """One ``features`` sequence and its strict ImageNet initialisation."""

    def __init__(self, layers: list[nn.Module], init_cfg: dict | None) -> None:
        super().__init__(init_cfg)
        self.features = nn.Sequential(*layers)

    def init_weights(self) -> None:
        """Load ``init_cfg``'s file, or draw torchvision's initial weights.

        Raises:
            ValueError: If the file is not of VGG-16-BN; names the keys.
        """
        if self._is_pretrained():
            options = {k: v for k, v in self.init_cfg.items() if k != 'type'}
            self._load_pretrained(**options)
        elif self.init_cfg is not None:
            super().init_weights()
        else:
            for layer in self._trunk():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(
                        layer.weight, mode='fan_out', nonlinearity='relu'
                    )
                    nn.init.zeros_(layer.bias)
        self._is_init = True

    def _is_pretrained(self) -> bool:
        cfg = self.init_cfg
        return isinstance(cfg, dict) and cfg.get('type') == 'Pretrained'

    def _trunk(self) -> nn.Sequential:
        """The layers that ImageNet weights exist for."""
        return self.features

    def _own_name(self, index: int) -> int:
        """Index in ``features`` of the layer at torchvision's ``index``."""
        return index

    def _load_pretrained(
        self, checkpoint: str, prefix: str = '', map_location: str = 'cpu'
    ) -> None:
        """Load ``features.*`` of a file; no key may be missing or left over.

        The file has torchvision's numbering or this network's own.
        ``classifier.*`` (ImageNet's) is not used.
        """
        print_log(f'load VGG-16-BN from: {checkpoint}', logger='current')
        content = CheckpointLoader.load_checkpoint(checkpoint, map_location)
        content = content.get('state_dict', content)
        start = f'{prefix.rstrip(".")}.features.'.removeprefix('.')
        found = {
            key[len(start) :]: value
            for key, value in content.items()
            if key.startswith(start)
        }
        last = found.get(f'{CONV5_3}.weight')
        if last is not None and last.ndim == 4:  # torchvision's numbering
            found = {self._renumber(key): v for key, v in found.items()}
        self._check_keys(checkpoint, start, found)
        self.features.load_state_dict(found, strict=False)

    def _renumber(self, key: str) -> str:
        index, _, name = key.partition('.')
        return f'{self._own_name(int(index))}.{name}'

    def _check_keys(
        self, checkpoint: str, start: str, found: dict[str, Tensor]
    ) -> None:
        own = self.features.state_dict()
        # ImageNet's file is older than the counter.
        needed = {
            key
            for key in self._trunk().state_dict()
            if not key.endswith('num_batches_tracked')
        }
        missing = sorted(needed - set(found))
        unexpected = sorted(set(found) - set(own))
        shapes = [
            f'{key} {tuple(value.shape)}, expected {tuple(own[key].shape)}'
            for key, value in found.items()
            if key in own and value.shape != own[key].shape
        ]
        if not (missing or unexpected or shapes):
            return
        raise ValueError(
            f'{checkpoint}: no weights of {type(self).__name__} under '
            f'{start!r}: {len(missing)} keys missing {missing[:3]}, '
            f'{len(unexpected)} unexpected {unexpected[:3]}, {len(shapes)} of '
            f'another shape {shapes[:3]}. init_cfg.checkpoint takes '
            "'torchvision://vgg16_bn' or its file vgg16_bn-6c64b313.pth; "
            'init_cfg.prefix names the part of a larger checkpoint.'
        )


@MODELS.register_module()
class VGG16BN(_VGG16):
    """The VGG-16 feature stack with BatchNorm and all five pools.

    13 convolutions 3x3 with bias, each with BatchNorm and ReLU; the outputs
    are pool3, pool4 and pool5 for :class:`FCN8sHead`. Parameter names are
    torchvision's (``features.0.weight`` ... ``features.41.bias``).

    Args:
        in_channels (int): Image channels. Defaults to 3.
        base_channels (int): Width of the first stage, 64 in the paper.
            Defaults to 64.
        size_divisor (int): The sides of an image must be a multiple of it;
            FCN-8s adds up features of strides 8, 16 and 32. 1 switches the
            check off. Defaults to 32.
        norm_cfg (dict, optional): Normalisation; 'SyncBN' on several GPUs.
            Defaults to None, trainable BN.
        init_cfg (dict, optional): ``dict(type='Pretrained',
            checkpoint='torchvision://vgg16_bn')`` or a local file, with an
            optional ``prefix``; loaded strictly. Defaults to None:
            torchvision's random weights.

    Raises:
        ValueError: If an image's sides are no multiple of ``size_divisor``
            (in the forward), or weights do not fit (in ``init_weights``).
    """

    def __init__(
        self,
        in_channels: int = 3,
        base_channels: int = 64,
        size_divisor: int = 32,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        layers: list[nn.Module] = []
        for stage in range(5):
            layers += _stage(stage, in_channels, base_channels, norm_cfg)
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        super().__init__(layers, init_cfg)
        self.size_divisor = size_divisor

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features after the third, fourth and fifth pool.

        Args:
            images (Tensor): (N, in_channels, H, W), preprocessed.

        Returns:
            tuple[Tensor, Tensor, Tensor]: (N, 4w, H/8, W/8),
            (N, 8w, H/16, W/16) and (N, 8w, H/32, W/32), w the base width.
        """
        self._check_size(images.shape[-2:])
        pools = []
        for index, layer in enumerate(self.features):
            images = layer(images)
            if index in (POOL3, POOL4, POOL5):
                pools.append(images)
        return tuple(pools)

    def _check_size(self, size: Sequence[int]) -> None:
        if any(side % self.size_divisor for side in size):
            raise ValueError(
                f'an image of {size[0]} x {size[1]} (height x width) came to '
                'FCN-8s; both sides must be divisible by '
                f'{self.size_divisor}. Change crop_size or scale of the '
                'pipeline; when testing, padding does it as well: '
                f'test_cfg=dict(size_divisor={self.size_divisor}) of the '
                'SegDataPreProcessor'
            )


@MODELS.register_module()
class VGG16BNDeepLab(_VGG16):
    """The VGG-16-BN of DeepLab-v2 at stride 8, 1024 channels.

    torchvision's stack without pool4 and pool5 and with dilation 2 in the
    fifth stage, then fc6 and fc7 as 3x3 convolutions with dilation and
    padding 4 and ReLU (no norm, no dropout, PyTorch's default weights). The
    names are indices after the removal: the fifth stage is
    ``features.33`` to ``features.40``, fc6 ``features.42`` and fc7
    ``features.44``. ImageNet weights are renumbered while they are loaded.

    Args:
        in_channels (int): Image channels. Defaults to 3.
        base_channels (int): Width of the first stage, 64 in the paper; fc6
            and fc7 are 16 times as wide. Defaults to 64.
        norm_cfg (dict, optional): Normalisation; 'SyncBN' on several GPUs.
            Defaults to None, trainable BN.
        init_cfg (dict, optional): As in :class:`VGG16BN`. Defaults to None.

    Raises:
        ValueError: If weights do not fit (in ``init_weights``).
    """

    def __init__(
        self,
        in_channels: int = 3,
        base_channels: int = 64,
        norm_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        layers: list[nn.Module] = []
        for stage in range(5):
            layers += _stage(
                stage, in_channels, base_channels, norm_cfg, 1 + (stage == 4)
            )
            if stage < 3:
                layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self._trunk_length = len(layers)
        width = 16 * base_channels
        for channels in (8 * base_channels, width):
            layers.append(nn.Conv2d(channels, width, 3, padding=4, dilation=4))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(layers, init_cfg)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Features after fc7.

        Args:
            images (Tensor): (N, in_channels, H, W), preprocessed.

        Returns:
            tuple[Tensor]: One (N, 16w, H // 8, W // 8), w the base width.
        """
        return (self.features(images),)

    def _trunk(self) -> nn.Sequential:
        return self.features[: self._trunk_length]

    def _own_name(self, index: int) -> int:
        return index - (index > POOL4)


def _stage(
    stage: int,
    in_channels: int,
    base_channels: int,
    norm_cfg: dict | None,
    dilation: int = 1,
) -> list[nn.Module]:
    """Convolution, norm and ReLU, as often as the stage asks for."""
    channels = base_channels * WIDTH_FACTORS[stage]
    if stage:
        in_channels = base_channels * WIDTH_FACTORS[stage - 1]
    layers: list[nn.Module] = []
    for _ in range(CONVS_PER_STAGE[stage]):
        layers += [
            nn.Conv2d(
                in_channels, channels, 3, padding=dilation, dilation=dilation
            ),
            build_norm_layer(norm_cfg or {'type': 'BN'}, channels)[1],
            nn.ReLU(inplace=True),
        ]
        in_channels = channels
    return layers
