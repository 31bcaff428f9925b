# SPDX-License-Identifier: Apache-2.0
"""Names and shapes of the published networks' weights, as tables.

A table maps a key of a published state dict to its shape. ``width`` is the
number of channels of the first stage: 64 in every published file.
"""

from __future__ import annotations

Shape = tuple[int, ...]
Table = dict[str, Shape]

_RESNET50_BLOCKS = (3, 4, 6, 3)
_RESNET101_BLOCKS = (3, 4, 23, 3)
# torchvision's vgg16_bn: index of a convolution -> stage it belongs to.
_VGG_CONVS = {
    **dict.fromkeys((0, 3), 0),
    **dict.fromkeys((7, 10), 1),
    **dict.fromkeys((14, 17, 20), 2),
    **dict.fromkeys((24, 27, 30), 3),
    **dict.fromkeys((34, 37, 40), 4),
}
_VGG_WIDTHS = (1, 2, 4, 8, 8)
_POOL4 = 33


def conv(name: str, out: int, in_: int, kernel: int, bias: bool) -> Table:
    """A square convolution."""
    table: Table = {f'{name}.weight': (out, in_, kernel, kernel)}
    if bias:
        table[f'{name}.bias'] = (out,)
    return table


def batch_norm(name: str, channels: int) -> Table:
    """A BatchNorm with its statistics."""
    parts = ('weight', 'bias', 'running_mean', 'running_var')
    table: Table = {f'{name}.{part}': (channels,) for part in parts}
    table[f'{name}.num_batches_tracked'] = ()
    return table


def resnet101(width: int = 64) -> Table:
    """ResNet-101 without classifier; torchvision's and Caffe's alike."""
    return _bottleneck_resnet(_RESNET101_BLOCKS, width)


def resnet50(width: int = 64) -> Table:
    """torchvision's ResNet-50 without classifier."""
    return _bottleneck_resnet(_RESNET50_BLOCKS, width)


def _bottleneck_resnet(blocks: tuple[int, ...], width: int) -> Table:
    table = conv('conv1', width, 3, 7, bias=False) | batch_norm('bn1', width)
    channels = width
    for layer, count in enumerate(blocks, 1):
        planes = width * 2 ** (layer - 1)
        for block in range(count):
            name = f'layer{layer}.{block}'
            shapes = ((planes, channels, 1), (planes, planes, 3))
            for i, shape in enumerate((*shapes, (4 * planes, planes, 1)), 1):
                table |= conv(f'{name}.conv{i}', *shape, bias=False)
                table |= batch_norm(f'{name}.bn{i}', shape[0])
            if block == 0:
                down = f'{name}.downsample'
                table |= conv(f'{down}.0', 4 * planes, channels, 1, bias=False)
                table |= batch_norm(f'{down}.1', 4 * planes)
            channels = 4 * planes
    return table


def resnet18(width: int = 64, in_channels: int = 3) -> Table:
    """torchvision's ResNet-18 without classifier."""
    table = conv('conv1', width, in_channels, 7, bias=False)
    table |= batch_norm('bn1', width)
    channels = width
    for layer in range(1, 5):
        planes = width * 2 ** (layer - 1)
        for block in range(2):
            name = f'layer{layer}.{block}'
            for i in (1, 2):
                table |= conv(
                    f'{name}.conv{i}', planes, channels, 3, bias=False
                )
                table |= batch_norm(f'{name}.bn{i}', planes)
                before, channels = channels, planes
                if i == 1 and before != planes:
                    down = f'{name}.downsample'
                    table |= conv(f'{down}.0', planes, before, 1, bias=False)
                    table |= batch_norm(f'{down}.1', planes)
    return table


def deeplab_classifier(name: str, in_channels: int, classes: int) -> Table:
    """The four dilated convolutions of DeepLab-v2."""
    table: Table = {}
    for branch in range(4):
        table |= conv(
            f'{name}.conv2d_list.{branch}', classes, in_channels, 3, bias=True
        )
    return table


def vgg16_bn(width: int = 64) -> Table:
    """torchvision's ``features`` of VGG-16 with BatchNorm."""
    table: Table = {}
    channels = 3
    for index, stage in _VGG_CONVS.items():
        out = width * _VGG_WIDTHS[stage]
        table |= conv(f'features.{index}', out, channels, 3, bias=True)
        table |= batch_norm(f'features.{index + 1}', out)
        channels = out
    return table


def sac_resnet101(width: int = 64) -> Table:
    """SAC's DeepLab-v2 on ResNet-101: 632 entries."""
    table = resnet101(width)
    table |= deeplab_classifier('layer5', 32 * width, 19)
    return {f'model.{key}': shape for key, shape in table.items()}


def sac_vgg16(width: int = 64) -> Table:
    """SAC's DeepLab-v2 on VGG-16: 103 entries; pool4 is taken out."""
    table: Table = {}
    for key, shape in vgg16_bn(width).items():
        index, part = _split(key)
        index -= index > _POOL4
        table[f'features.{index}.{part}'] = shape
    hidden = 16 * width
    table |= conv('features.42', hidden, 8 * width, 3, bias=True)
    table |= conv('features.44', hidden, hidden, 3, bias=True)
    return table | deeplab_classifier('classifier', hidden, 19)


def sac_vgg16fcn(width: int = 64) -> Table:
    """SAC's FCN-8s on VGG-16: 111 entries; three blocks."""
    table: Table = {}
    for key, shape in vgg16_bn(width).items():
        index, part = _split(key)
        block = 1 + (index > 23) + (index > _POOL4)
        table[f'block{block}.{index}.{part}'] = shape
    hidden = 64 * width
    table |= conv('vgg_head.0', hidden, 8 * width, 7, bias=True)
    table |= batch_norm('vgg_head.1', hidden)
    table |= conv('vgg_head.4', hidden, hidden, 1, bias=True)
    table |= batch_norm('vgg_head.5', hidden)
    table |= conv('vgg_head.8', 19, hidden, 1, bias=True)
    table |= conv('score_pool4', 19, 8 * width, 1, bias=True)
    return table | conv('score_pool3', 19, 4 * width, 1, bias=True)


def discriminator(classes: int, width: int = 64) -> Table:
    """ADVENT's discriminator; the indices of a ``Sequential``."""
    table: Table = {}
    channels = (classes, width, 2 * width, 4 * width, 8 * width, 1)
    for i in range(5):
        table |= conv(f'{2 * i}', channels[i + 1], channels[i], 4, bias=True)
    return table


def _split(key: str) -> tuple[int, str]:
    """``features.<index>.<part>``."""
    _, index, part = key.split('.')
    return int(index), part
