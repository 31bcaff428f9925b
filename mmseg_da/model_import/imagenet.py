# SPDX-License-Identifier: Apache-2.0
"""ImageNet files of torchvision."""

from __future__ import annotations

import re

from .files import Imported, SourceFile, require_tensors
from .layouts import resnet101, vgg16_bn
from .matching import first_keys, require_layout


def import_imagenet(source: SourceFile, strict: bool, width: int) -> Imported:
    """Take over ResNet-101 or VGG-16-BN of torchvision, no classifier.

    Keys keep torchvision's numbering, which the VGG backbones translate
    themselves.

    Args:
        source: The file.
        strict: Refuse a file whose digest is not the one in its name.
        width: Channels of the first stage, 64 in published files.

    Raises:
        ValueError: Another file, keys or shapes that do not fit, or the
            wrong digest with ``strict``.
    """
    state, path = source.content, source.path
    require_tensors(state, path)
    drop: tuple[str, ...]
    if 'features.0.weight' in state:
        kind, table, drop = 'VGG-16-BN', vgg16_bn(width), ('classifier.',)
    elif {'conv1.weight', 'fc.weight'} <= state.keys():
        kind, table, drop = 'ResNet-101', resnet101(width), ('fc.',)
    else:
        raise ValueError(
            f'{path}: neither a snapshot of SAC (keys model, opt, score, '
            'epoch) nor an ImageNet file of torchvision (features.0.weight, '
            f'or conv1.weight and fc.weight); it has {first_keys(list(state))}'
        )
    backbone = {k: v for k, v in state.items() if not k.startswith(drop)}
    require_layout(
        backbone,
        table,
        f'{path}: {kind} of torchvision',
        'Nothing was written. Only ResNet-101 and VGG-16 with BatchNorm fit.',
    )
    notes = [
        'backbone alone; use it with --cfg-options '
        'model.segmentor.backbone.init_cfg.checkpoint=OUT'
    ]
    problem = _wrong_digest(source)
    if problem and strict:
        raise ValueError(f'{problem}. (--strict)')
    if problem:
        notes.append(f'warning: {problem}')
    config = 'sac-abn_gta2cs' + ('_vgg16' if kind == 'VGG-16-BN' else '')
    return Imported(
        f'ImageNet {kind} (RGB)', backbone, None, config, tuple(notes)
    )


def _wrong_digest(source: SourceFile) -> str:
    """torchvision puts the first digits of the SHA-256 into the name."""
    match = re.fullmatch(r'.*-([0-9a-f]{8})\.pth', source.path.name)
    if match is None:
        return f'{source.path}: has no digest in its name to compare with'
    if source.sha256.startswith(match[1]):
        return ''
    return (
        f'{source.path}: its SHA-256 starts with {source.sha256[:8]}, the '
        f'name says {match[1]}; was it changed or cut off?'
    )
