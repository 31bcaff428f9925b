# SPDX-License-Identifier: Apache-2.0
"""Names and shapes of SDE's networks, and their names in this suite.

A published state dict has the parts of ``PARTS`` below ``models.``; files of
the monodepth layout hold one part each. ``width`` is 64 in every published
file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

from .layouts import Table, batch_norm, conv, resnet18, resnet50, resnet101
from .matching import Rules

PARTS = (
    'encoder',
    'pose_encoder',
    'pose',
    'depth',
    'segmentation',
    'mtl_decoder',
    'imnet_encoder',
)
SCALES = range(4)
_PUBLISHED_WIDTH = 64
# Index in the published list of modules -> level; see DisparityDecoder.
_AFTER = {2: 4, 5: 3, 8: 2, 11: 1, 13: 0}
_BEFORE = {3: 3, 6: 2, 9: 1, 12: 0}
_HEADS = {14 + scale: scale for scale in SCALES}


class Decoder(NamedTuple):
    """One variant of the depth decoder.

    Attributes:
        channels: Of the levels 0..4.
        norm: Whether its blocks have BatchNorm.
        encoder: Layout of the encoder it sits on, by width.
    """

    channels: tuple[int, ...]
    norm: bool
    encoder: Callable[[int], Table]

    def scaled(self, width: int) -> tuple[int, ...]:
        """Channels of a network of another width."""
        return tuple(c * width // _PUBLISHED_WIDTH for c in self.channels)


# dec5 and dec6 differ in their training only.
DECODERS = {
    'dec6': Decoder((64, 128, 128, 256, 256), False, resnet101),
    'dec9': Decoder((64, 64, 128, 128, 256), True, resnet50),
    'dec11': Decoder((16, 32, 64, 128, 256), False, resnet101),
}


def decoder_table(name: str, width: int = 64) -> Table:
    """The depth decoder, below ``decoder.``: 62 entries without norm."""
    variant = DECODERS[name]
    channels = variant.scaled(width)
    table = _aspp(channels[4], 32 * width)
    skips = (0, width, 4 * width, 8 * width, 16 * width)
    shapes = {
        index: (channels[i], channels[i] + skips[i])
        for index, i in _AFTER.items()
    } | {index: (channels[i], channels[i + 1]) for index, i in _BEFORE.items()}
    for index, shape in shapes.items():
        block = f'decoder.{index}.block'
        table |= conv(f'{block}.0.conv', *shape, 3, bias=True)
        if variant.norm:
            table |= batch_norm(f'{block}.1', shape[0])
    for index, scale in _HEADS.items():
        table |= conv(f'decoder.{index}.conv', 1, channels[scale], 3, True)
    return table


def part_table(part: str, decoder: str, classes: int, width: int) -> Table:
    """Layout of a part of ``PARTS``.

    Args:
        part: Its name.
        decoder: Key of ``DECODERS``.
        classes: Outputs of the classifiers.
        width: Channels of the first stage.
    """
    if part in ('encoder', 'imnet_encoder'):
        return _below('encoder.', DECODERS[decoder].encoder(width))
    if part == 'pose_encoder':
        return _below('encoder.', resnet18(width, in_channels=6))
    if part == 'pose':
        return _pose(width)
    if part == 'depth':
        return decoder_table(decoder, width)
    if part == 'segmentation':
        return _joint(decoder, classes, width)
    return _pad(decoder, classes, width)


def decoder_root(part: str) -> str:
    """Prefix of the (first) depth decoder inside a part."""
    roots = {'segmentation': 'unet_dec.', 'mtl_decoder': 'depth_dec.'}
    return roots.get(part, '')


def decoder_of(state: Mapping[str, Tensor], width: int) -> str | None:
    """Which variant a state dict with ``decoder.`` keys has; None: none."""
    channels = []
    for index in sorted(_AFTER, key=_AFTER.get):
        bias = state.get(f'decoder.{index}.block.0.conv.bias')
        channels.append(0 if bias is None else len(bias))
    norm = 'decoder.13.block.1.weight' in state
    for name, variant in DECODERS.items():
        if variant.norm == norm and variant.scaled(width) == tuple(channels):
            return name
    return None


def _decoder_rules(root: str, target: str) -> Rules:
    rules = [
        (r'0\.convs\.4\.', 'before.4.pooled.'),
        (r'0\.convs\.', 'before.4.branches.'),
        (r'0\.project\.', 'before.4.project.'),
    ]
    for name, indices in (('after', _AFTER), ('before', _BEFORE)):
        for index, i in indices.items():
            rules.append((rf'{index}\.block\.0\.', f'{name}.{i}.'))
            rules.append((rf'{index}\.block\.1\.', f'{name}.{i}.norm.'))
    rules += [(rf'{n}\.conv\.', f'heads.{s}.') for n, s in _HEADS.items()]
    return [
        (rf'{root}decoder\.{pattern}', f'{target}{replacement}')
        for pattern, replacement in rules
    ]


_POSE_RULES = tuple(
    (rf'net\.{i}\.', f'pose_net.net.{2 * i}.') for i in range(4)
)
# Published part -> rules to the names of MonoDepth.
DEPTH_RULES: dict[str, Rules] = {
    'encoder': ((r'encoder\.', 'encoder.'),),
    'imnet_encoder': ((r'encoder\.', 'reference_encoder.'),),
    'pose_encoder': ((r'encoder\.', 'pose_net.encoder.'),),
    'pose': _POSE_RULES,
    'depth': _decoder_rules('', 'decoder.'),
}
# ... and to those of a segmentor and its pose net.
SEGMENTATION_RULES: dict[str, Rules] = {
    'encoder': ((r'encoder\.', 'backbone.'),),
    'pose_encoder': DEPTH_RULES['pose_encoder'],
    'pose': _POSE_RULES,
    'segmentation': (
        *_decoder_rules(r'unet_dec\.', 'decode_head.decoder.'),
        (r'project\.seg9\.0\.', 'decode_head.project.0.'),
        (r'head\.2\.', 'decode_head.conv_seg.'),
    ),
    'mtl_decoder': (
        *_decoder_rules(r'depth_dec\.', 'decode_head.depth_decoder.'),
        *_decoder_rules(r'seg_dec\.', 'decode_head.seg_decoder.'),
        (r'sa_depth\.conv\.', 'decode_head.depth_attention.conv.'),
        (r'sa_depth\.attention\.', 'decode_head.depth_attention.gate.'),
        (r'sa_seg\.conv\.', 'decode_head.seg_attention.conv.'),
        (r'sa_seg\.attention\.', 'decode_head.seg_attention.gate.'),
        (r'seg_intermediate_head\.0\.', 'decode_head.intermediate_seg.'),
        (r'seg_final_head\.0\.', 'decode_head.conv_seg.'),
    ),
}


def _aspp(out: int, in_: int) -> Table:
    table: Table = {}
    kernels = {'convs.0': 1, 'convs.1': 3, 'convs.2': 3, 'convs.3': 3}
    for branch, kernel in kernels.items():
        name = f'decoder.0.{branch}'
        table |= conv(f'{name}.0', out, in_, kernel, bias=False)
        table |= batch_norm(f'{name}.1', out)
    table |= conv('decoder.0.convs.4.1', out, in_, 1, bias=False)
    table |= batch_norm('decoder.0.convs.4.2', out)
    table |= conv('decoder.0.project.0', out, 5 * out, 1, bias=False)
    return table | batch_norm('decoder.0.project.1', out)


def _pose(width: int) -> Table:
    hidden = 4 * width
    table = conv('net.0', hidden, 8 * width, 1, bias=True)
    for i in (1, 2):
        table |= conv(f'net.{i}', hidden, hidden, 3, bias=True)
    return table | conv('net.3', 12, hidden, 1, bias=True)


def _joint(decoder: str, classes: int, width: int) -> Table:
    table = _below('unet_dec.', decoder_table(decoder, width))
    channels = DECODERS[decoder].scaled(width)
    table |= conv('project.seg9.0', width, channels[0], 1, bias=False)
    return table | conv('head.2', classes, width, 1, bias=True)


def _pad(decoder: str, classes: int, width: int) -> Table:
    channels = DECODERS[decoder].scaled(width)
    single = decoder_table(decoder, width)
    table = _below('depth_dec.', single) | _below('seg_dec.', single)
    for task in ('depth', 'seg'):
        for name in ('conv', 'attention'):
            table |= conv(
                f'sa_{task}.{name}', channels[2], channels[2], 3, bias=False
            )
    table |= conv('seg_intermediate_head.0', classes, channels[2], 1, True)
    return table | conv('seg_final_head.0', classes, channels[0], 1, True)


def _below(prefix: str, table: Table) -> Table:
    return {f'{prefix}{key}': shape for key, shape in table.items()}
