# SPDX-License-Identifier: Apache-2.0
"""Snapshots of SAC (da-sac) and its ImageNet files.

A snapshot is ``{model, opt, score, epoch}``; ``model`` has the student below
``backbone.``, and in the final stage the teacher below ``slow_net.`` and the
class prior ``running_conf``. Networks are told by their keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .files import Imported, SourceFile, require_tensors
from .imagenet import import_imagenet
from .layouts import Table, sac_resnet101, sac_vgg16, sac_vgg16fcn
from .matching import Rules, first_keys, rename, require_layout
from .sac_published import SACSnapshot, identify

NETWORKS = ('student', 'teacher', 'all')
CLASSES = 19
# Iterations between two updates of the momentum network.
TEACHER_INTERVAL = 100


class Arch(NamedTuple):
    """One of SAC's three networks.

    Attributes:
        sign: A key that only this one has.
        table: Its layout, by width.
        rules: Published names to those of this suite.
        suffix: Of the config names.
    """

    sign: str
    table: Callable[[int], Table]
    rules: Rules
    suffix: str


ARCHS = {
    'resnet101': Arch(
        'model.conv1.weight',
        sac_resnet101,
        (
            (r'model\.layer5\.conv2d_list\.', 'decode_head.convs.'),
            (r'model\.', 'backbone.'),
        ),
        '',
    ),
    'vgg16': Arch(
        'features.0.weight',
        sac_vgg16,
        (
            (r'classifier\.conv2d_list\.', 'decode_head.convs.'),
            (r'features\.', 'backbone.features.'),
        ),
        '_vgg16',
    ),
    'vgg16fcn': Arch(
        'block1.0.weight',
        sac_vgg16fcn,
        (
            (r'block[123]\.', 'backbone.features.'),
            (r'(?=vgg_head\.|score_pool[34]\.)', 'decode_head.'),
        ),
        '_vgg16fcn',
    ),
}
_PARTS = ('backbone.', 'slow_net.')
_BUFFERS = ('running_conf', 'slow_init')


def import_sac(
    source: SourceFile,
    network: str = 'student',
    arch: str | None = None,
    strict: bool = False,
    width: int = 64,
) -> Imported:
    """Turn a snapshot or an ImageNet file into weights of this suite.

    Args:
        source: The file.
        network: 'student' (the published numbers) or 'teacher': a plain
            segmentor; 'all': a checkpoint of the method class ``SAC``.
        arch: Required network, a key of ``ARCHS``; None takes what it is.
        strict: Refuse a file that is none of the published ones.
        width: Channels of the first stage, 64 in published files.

    Raises:
        ValueError: Another file, network or architecture, keys or shapes
            that do not fit, or an unknown MD5 with ``strict``.
    """
    if not isinstance(source.content.get('model'), Mapping):
        return import_imagenet(source, strict, width)
    weights = {
        key.replace('module.', ''): value
        for key, value in source.content['model'].items()
    }
    require_tensors(weights, source.path)
    parts = _split(weights, source.path)
    found = _arch_of(parts['backbone.'], source.path)
    for part in _PARTS if parts['slow_net.'] else _PARTS[:1]:
        _check(parts[part], part, found, arch, width, source.path)
    final = bool(parts['slow_net.'])
    stage, epoch = ('baseline', 'final')[final], source.content.get('epoch')
    known, problem = identify(source, found, stage, epoch)
    if problem and strict:
        raise ValueError(f'{problem}. (--strict)')
    state = _choose(network, parts, found, source.path)
    return Imported(
        f'SAC {stage} of {found}, {network}',
        state,
        CLASSES,
        _config(found, stage, known),
        _notes(known, problem, final, network),
        _details(source.content, found, stage, network, known),
    )


def _split(weights: dict[str, Tensor], path: Path) -> dict[str, dict]:
    """Student, teacher and buffers, without their prefixes."""
    parts: dict[str, dict] = {name: {} for name in (*_PARTS, 'buffers')}
    unknown = []
    for key, value in weights.items():
        part = next((p for p in _PARTS if key.startswith(p)), None)
        if part is not None:
            parts[part][key.removeprefix(part)] = value
        elif key in _BUFFERS:
            parts['buffers'][key] = value
        else:
            unknown.append(key)
    if unknown or not parts['backbone.']:
        raise ValueError(
            f'{path}: "model" is no network of SAC: {len(unknown)} keys start '
            'neither with backbone. nor slow_net. (after dropping "module."), '
            f'e.g. {first_keys(unknown or list(weights))}'
        )
    if parts['slow_net.'] and len(parts['buffers']) < len(_BUFFERS):
        raise ValueError(
            f'{path}: has a teacher (slow_net), but lacks '
            f'{sorted(set(_BUFFERS) - set(parts["buffers"]))}'
        )
    return parts


def _arch_of(student: Mapping[str, Tensor], path: Path) -> str:
    for name, arch in ARCHS.items():
        if arch.sign in student:
            return name
    signs = ', '.join(f'{arch.sign} ({name})' for name, arch in ARCHS.items())
    raise ValueError(
        f'{path}: unknown network; expected one of the keys {signs} below '
        f'backbone., found {first_keys(list(student))}'
    )


def _check(
    state: dict[str, Tensor],
    part: str,
    found: str,
    arch: str | None,
    width: int,
    path: Path,
) -> None:
    """Compare with the architecture that is asked for, else its own."""
    title = f'{path}: {part.rstrip(".")} as {arch or found}'
    advice = (
        'Nothing was written. Is the file complete?'
        if arch in (None, found)
        else f'The file is a {found}: leave --arch out.'
    )
    require_layout(state, ARCHS[arch or found].table(width), title, advice)


def _choose(
    network: str, parts: dict[str, dict], arch: str, path: Path
) -> dict[str, Tensor]:
    """The weights of one network, or of the whole method."""
    if network not in NETWORKS:
        raise ValueError(f'--network {network!r}; allowed: {NETWORKS}')
    rules = ARCHS[arch].rules
    student = rename(parts['backbone.'], rules)
    if network == 'student':
        return student
    if network == 'teacher' and not parts['slow_net.']:
        raise ValueError(
            f'{path}: is a baseline (ABN), which has no teacher (slow_net); '
            'use --network student'
        )
    teacher = rename(parts['slow_net.'] or parts['backbone.'], rules)
    if network == 'teacher':
        return teacher
    # A final snapshot that lost its teacher starts like a baseline.
    buffers = parts['buffers'] if parts['slow_net.'] else {}
    return _method_state(student, teacher, buffers)


def _method_state(
    student: dict[str, Tensor],
    teacher: dict[str, Tensor],
    buffers: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Weights of ``SAC``; a baseline starts with an uninitialised prior."""
    prior = buffers.get('running_conf', torch.zeros(CLASSES))
    slow_init = buffers.get('slow_init', torch.zeros(1))
    initialized = (slow_init.flatten()[0] > 0).long()
    return {
        **{f'segmentor.{key}': value for key, value in student.items()},
        **{f'teacher.module.{key}': value for key, value in teacher.items()},
        # Due at once, as in the first iteration of da-sac's next epoch; a
        # teacher that has made no step would be copied from the student.
        'teacher.steps': TEACHER_INTERVAL * initialized,
        'class_prior': prior.float(),
        'initialized': initialized,
    }


def _config(arch: str, stage: str, known: SACSnapshot | None) -> str:
    method = 'sac' if stage == 'final' else 'sac-abn'
    sources = {'gta': 'gta2cs', 'synthia': 'syn2cs'}
    direction = sources[known.source] if known else 'gta2cs'
    return f'{method}_{direction}{ARCHS[arch].suffix}'


def _notes(
    known: SACSnapshot | None, problem: str, final: bool, network: str
) -> tuple[str, ...]:
    notes = []
    if known:
        notes.append(
            f'published {known.file}: reported mIoU {known.val} on val'
            + (f', {known.test} on test' if known.test else '')
        )
    else:
        notes.append(f'warning: {problem}')
    if network == 'all' and not final:
        notes.append(
            'a baseline: the teacher is a copy of the student, and SAC '
            'initialises its class prior in the first iteration'
        )
    notes.append("the optimiser's momentum is not imported")
    return tuple(notes)


def _details(
    content: Mapping[str, Any],
    arch: str,
    stage: str,
    network: str,
    known: SACSnapshot | None,
) -> dict[str, Any]:
    score = content.get('score')
    return {
        'arch': arch,
        'stage': stage,
        'network': network,
        'epoch': content.get('epoch'),
        # Best mIoU on 500 labelled training images of the target, 0 to 1.
        'val2_miou': None if score is None else float(score),
        'published': known.file if known else None,
    }
