# SPDX-License-Identifier: Apache-2.0
"""Files of ADVENT, MinEnt, IntraDA and AdaptSegNet.

Layouts: trained networks and discriminators of both projects, and the
ImageNet start ``DeepLab_resnet_pretrained_imagenet.pth``. What a file is
follows from its keys and shapes, not from its name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .files import Imported, SourceFile, require_tensors
from .layouts import deeplab_classifier, discriminator, resnet101
from .matching import first_keys, rename, require_layout

_NET_RULES = (
    (r'layer6\.conv2d_list\.', 'decode_head.convs.'),
    (r'layer5\.conv2d_list\.', 'auxiliary_head.convs.'),
    (r'(?=(conv1|bn1|layer[1-4])\.)', 'backbone.'),
)
_ADVENT_D = (r'(?=\d\.)', 'layers.')
_ADAPTSEGNET_D = (
    *((rf'conv{i}\.', f'layers.{2 * (i - 1)}.') for i in range(1, 5)),
    (r'classifier\.', 'layers.8.'),
)
_LEVELS = {
    1: 'one classifier (layer6)',
    2: 'two classifiers (layer5 and layer6, multi-level)',
}
_STRICT = 'Nothing was written. Is the file complete, and of ADVENT?'


def import_advent(
    source: SourceFile,
    levels: int | None = None,
    active_branches: int | None = None,
    width: int = 64,
) -> Imported:
    """Turn any published file into weights of this suite.

    Args:
        source: The file.
        levels: Required number of classifiers, 1 or 2; None takes what the
            file has.
        active_branches: Branches of a classifier that its training summed:
            4 (ADVENT) or 2 (AdaptSegNet); None tells it from the weights.
        width: Channels of the first stage, 64 in published files.

    Returns:
        A plain segmentor, a discriminator or a backbone.

    Raises:
        ValueError: Another file, or keys or shapes that do not fit.
    """
    state = source.content
    require_tensors(state, source.path)
    if is_discriminator(state):
        return import_discriminator(source, width)
    prefix = _root(state, source.path)
    state = {key.removeprefix(prefix): v for key, v in state.items()}
    if any(key.startswith('layer6.') for key in state):
        return _import_net(
            source.path, state, prefix, levels, active_branches, width
        )
    return _import_imagenet(source.path, state, prefix, width)


def _root(state: Mapping[str, Tensor], path: Path) -> str:
    """What all keys of a network start with: '' or ``'<name>.'``."""
    roots = {
        key.removesuffix('conv1.weight')
        for key, value in state.items()
        if key.endswith('conv1.weight')
        and value.ndim == 4
        # Only the stem sees images.
        and value.shape[1] == 3
    }
    root = next(iter(roots)) if len(roots) == 1 else None
    named = root is not None and (root == '' or root.count('.') == 1)
    if not named or not all(key.startswith(root) for key in state):
        raise ValueError(
            f'{path}: neither a network of ADVENT (conv1, bn1, layer1-6), an '
            'ImageNet start of it, nor a discriminator; its first keys: '
            f'{first_keys(list(state))}'
        )
    return root


def _import_net(
    path: Path,
    state: dict[str, Tensor],
    prefix: str,
    levels: int | None,
    active_branches: int | None,
    width: int,
) -> Imported:
    found = 1 + any(key.startswith('layer5.') for key in state)
    if levels not in (None, found):
        raise ValueError(
            f'{path}: has {_LEVELS[found]}, but --levels {levels} asks for '
            f'{_LEVELS[levels]}; take a config of {found} level'
            f'{"s"[: found > 1]}, or another file'
        )
    classes = _classes(state, 'layer6.conv2d_list.0.bias', path)
    table = resnet101(width)
    table |= deeplab_classifier('layer6', 32 * width, classes)
    if found == 2:
        table |= deeplab_classifier('layer5', 16 * width, classes)
    title = f'{path}: trained network with {_LEVELS[found]}'
    require_layout(state, table, title, _STRICT)
    active = active_branches or summed_branches(state, 'layer6')
    heads = ('decode_head', 'auxiliary_head')[:found]
    notes = [f'{classes} classes, {_LEVELS[found]}', *_prefix_note(prefix)]
    if active == 2:
        options = ' '.join(
            f'model.segmentor.{head}.num_active_branches=2' for head in heads
        )
        notes.append(
            'AdaptSegNet: its classifier sums the first two of four branches;'
            f' always use it with --cfg-options {options}'
        )
    kind = 'AdaptSegNet network' if active == 2 else 'ADVENT network'
    return Imported(
        kind,
        rename(state, _NET_RULES),
        classes,
        _config(classes, found, active),
        tuple(notes),
        {'levels': found, 'num_active_branches': active},
    )


def _prefix_note(prefix: str) -> list[str]:
    return [f'dropped {prefix!r} in front of every key'] if prefix else []


def _classes(state: Mapping[str, Tensor], key: str, path: Path) -> int:
    if key not in state:
        raise ValueError(
            f'{path}: {key} is missing, which tells the number of classes; '
            f'its first keys: {first_keys(list(state))}'
        )
    return len(state[key])


def _config(classes: int, levels: int, active: int) -> str:
    if active == 2:
        return 'adaptsegnet_gta2cs'
    if classes == 16:
        return 'advent_syn2cs' if levels == 2 else 'advent-single_syn2cs'
    return 'advent_gta2cs'


def summed_branches(state: Mapping[str, Tensor], name: str) -> int:
    """How many branches of a classifier the training summed.

    AdaptSegNet's forward returns after the second branch, so that the
    third and fourth never get a gradient and keep their first weights, drawn
    from N(0, 0.01); training with weight decay moves all four of ADVENT's.

    Args:
        state: Weights by published key.
        name: ``'layer5'`` or ``'layer6'``.

    Returns:
        2 or 4.
    """
    untouched = [
        _as_drawn(state[f'{name}.conv2d_list.{i}.weight']) for i in range(4)
    ]
    return 2 if untouched == [False, False, True, True] else 4


def _as_drawn(weight: Tensor, std: float = 0.01) -> bool:
    """Whether weights look as drawn from N(0, std)."""
    # 3 standard errors of the estimate, and the rounding of float32 files.
    tolerance = 0.005 + 3 / math.sqrt(2 * weight.numel())
    found = weight.double().std().item() / std
    return abs(found - 1) < tolerance


def _import_imagenet(
    path: Path, state: dict[str, Tensor], prefix: str, width: int
) -> Imported:
    """The backbone; an old classifier ``layer5`` is left out."""
    backbone = {k: v for k, v in state.items() if not k.startswith('layer5.')}
    title = f'{path}: ImageNet start of DeepLab'
    advice = (
        f'{_STRICT} A ResNet-101 of torchvision (RGB, with fc.*) is no '
        'substitute: the networks of ADVENT see BGR images in 0..255.'
    )
    require_layout(backbone, resnet101(width), title, advice)
    notes = ['backbone alone; the classifiers start from random weights']
    notes += _prefix_note(prefix)
    if len(backbone) < len(state):
        notes.append(f'left out layer5 ({len(state) - len(backbone)} keys)')
    notes.append(
        'use it with --cfg-options '
        'model.segmentor.backbone.init_cfg.checkpoint=OUT'
    )
    return Imported(
        'ImageNet backbone (BGR, 0..255, mean subtracted)',
        backbone,
        None,
        'advent_gta2cs',
        tuple(notes),
    )


def is_discriminator(state: Mapping[str, Tensor]) -> bool:
    """Whether keys are those of ADVENT's or AdaptSegNet's discriminator."""
    parts = {key.split('.')[0] for key in state}
    return parts <= {'0', '2', '4', '6', '8'} or (
        {'conv1', 'classifier'} <= parts and 'layer1' not in parts
    )


def import_discriminator(source: SourceFile, width: int = 64) -> Imported:
    """Weights of ``FCDiscriminator``.

    Raises:
        ValueError: No discriminator, or keys or shapes that do not fit.
    """
    state, path = source.content, source.path
    require_tensors(state, path)
    if not is_discriminator(state):
        raise ValueError(
            f'{path}: no discriminator (keys 0., 2., 4., 6., 8. or conv1 to '
            f'conv4, classifier); its first keys: {first_keys(list(state))}'
        )
    ours = any(key[0].isdigit() for key in state)
    rules = (_ADVENT_D,) if ours else _ADAPTSEGNET_D
    owner = 'ADVENT' if ours else 'AdaptSegNet'
    renamed = rename(state, (*rules, (r'(?=.)', 'unknown.')))
    first = renamed.get('layers.0.weight')
    classes = first.shape[1] if first is not None and first.ndim == 4 else 0
    table = {
        f'layers.{key}': shape
        for key, shape in discriminator(classes, width).items()
    }
    title = f'{path}: discriminator of {owner}'
    require_layout(renamed, table, title, _STRICT)
    note = (
        'add it to a network with --d-main or --d-aux, or name it in '
        "discriminators.<level>.init_cfg (type='Pretrained')"
    )
    config = 'advent_gta2cs' if ours else 'adaptsegnet_gta2cs'
    return Imported(
        f'{owner} discriminator', renamed, classes, config, (note,)
    )


def with_discriminators(
    net: Imported, discriminators: Mapping[str, SourceFile], width: int = 64
) -> Imported:
    """Join a network and its discriminators into one checkpoint of ADVENT.

    Args:
        net: What :func:`import_advent` gave for the network.
        discriminators: Files by level, ``'main'`` and ``'aux'``.
        width: See :func:`import_advent`.

    Raises:
        ValueError: A file is no discriminator, or has another number of
            classes than the network; or not every classifier has one.
    """
    if not any(key.startswith('decode_head.') for key in net.state_dict):
        raise ValueError(
            f'--d-main, --d-aux: IN is an {net.kind}, no trained network'
        )
    levels = ['main', 'aux'][: net.details['levels']]
    if sorted(discriminators) != sorted(levels):
        needed = ' and '.join(f'--d-{level}' for level in levels)
        raise ValueError(
            f'discriminators of {list(discriminators)} given, but the network '
            f'has {_LEVELS[len(levels)]}; give {needed}'
        )
    state = {f'segmentor.{k}': v for k, v in net.state_dict.items()}
    # Published runs have no ramp of the adversarial weights.
    state['ramp.calls'] = torch.zeros((), dtype=torch.int64)
    for level, source in discriminators.items():
        found = import_discriminator(source, width)
        if found.classes != net.classes:
            raise ValueError(
                f'--d-{level} {source.path}: takes maps of {found.classes} '
                f'classes, but the network has {net.classes}'
            )
        for key, value in found.state_dict.items():
            state[f'discriminators.{level}.{key}'] = value
    notes = (*net.notes, f'with discriminators {", ".join(discriminators)}')
    digests = {level: s.sha256 for level, s in discriminators.items()}
    details = {**net.details, 'discriminators_sha256': digests}
    kind = f'{net.kind} with discriminators'
    return Imported(kind, state, net.classes, net.config, notes, details)
