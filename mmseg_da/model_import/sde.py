# SPDX-License-Identifier: Apache-2.0
"""Networks of SDE: depth networks and segmentation networks.

What a file is follows from the parts of its ``model_state``; which decoder it
has follows from shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .files import Imported, SourceFile
from .matching import first_keys, layout_problems, rename
from .sde_files import split_parts
from .sde_layouts import (
    DECODERS,
    DEPTH_RULES,
    SEGMENTATION_RULES,
    decoder_of,
    decoder_root,
    part_table,
)

NETWORKS = ('segmentor', 'all')
_SEGMENTATION = {'mtl_decoder': 'PADHead', 'segmentation': 'JointSegDepthHead'}
_CLASSIFIERS = {
    'mtl_decoder': 'seg_final_head.0.bias',
    'segmentation': 'head.2.bias',
}
_SEGMENTATION_DECODER = 'dec6'
Parts = dict[str, dict[str, Tensor]]


def import_sde(
    source: SourceFile,
    network: str = 'segmentor',
    decoder: str | None = None,
    width: int = 64,
) -> Imported:
    """Turn a published network into weights of this suite.

    Args:
        source: Of :func:`~.sde_files.read_sde`.
        network: Of a segmentation network: 'segmentor', a plain segmentor,
            or 'all', a checkpoint of the method ``SDE``: student, teacher (a
            copy) and pose net. A depth network always becomes a checkpoint
            of ``MonoDepth``.
        decoder: Required decoder, a key of ``DECODERS``; None takes what it
            is.
        width: Channels of the first stage, 64 in published files.

    Raises:
        ValueError: Another file or decoder, or keys or shapes that do not
            fit, listed by part.
    """
    if network not in NETWORKS:
        raise ValueError(f'--network {network!r}; allowed: {NETWORKS}')
    parts, notes = split_parts(source)
    main, found = _main_part(parts, source, width)
    used = _used_parts(parts, main, source, notes)
    classes = _classes(used, main, source)
    wanted = decoder or found
    if main in _SEGMENTATION:
        if decoder not in (None, _SEGMENTATION_DECODER):
            raise ValueError(
                f'--decoder {decoder}: {source.path} is a segmentation '
                f'network, which has {_SEGMENTATION_DECODER} here'
            )
        wanted = _SEGMENTATION_DECODER
    _check(used, wanted, found, classes or 0, width, source)
    details = _details(source, found, used)
    if main == 'depth':
        return _depth(source, used, found, notes, details)
    return _segmentation(used, main, classes, network, notes, details)


def _main_part(
    parts: Parts, source: SourceFile, width: int
) -> tuple[str, str]:
    """The part that says what the network is, and its decoder."""
    for part in ('mtl_decoder', 'segmentation', 'depth'):
        root = f'{decoder_root(part)}decoder.'
        state = parts.get(part)
        if state is None:
            continue
        inner = {
            f'decoder.{key.removeprefix(root)}': value
            for key, value in state.items()
            if key.startswith(root)
        }
        found = decoder_of(inner, width)
        if found is None:
            known = ', '.join(
                f'{name} {variant.scaled(width)}'
                for name, variant in DECODERS.items()
            )
            raise ValueError(
                f'{source.path}: part {part} has no decoder of SDE (channels '
                f'of the levels 0 to 4: {known}); its first keys: '
                f'{first_keys(list(state))}'
            )
        if part == 'segmentation' and found == 'dec9' and 'depth' in parts:
            # Both students of the label selection; only depth is used on.
            continue
        return part, found
    raise ValueError(
        f'{source.path}: has the parts {", ".join(parts) or "(none)"}; '
        'expected one of depth, segmentation, mtl_decoder'
    )


def _used_parts(
    parts: Parts, main: str, source: SourceFile, notes: list[str]
) -> Parts:
    """The parts that the network of this suite has."""
    rules = SEGMENTATION_RULES if main in _SEGMENTATION else DEPTH_RULES
    others = set(_SEGMENTATION) - {main}
    used = {k: v for k, v in parts.items() if k in rules and k not in others}
    if main == 'segmentation':
        used = {k: v for k, v in used.items() if not k.startswith('pose')}
    left = [part for part in parts if part not in used]
    if left:
        notes.append(f'left out the parts {", ".join(left)}')
    if ('pose' in used) != ('pose_encoder' in used):
        raise ValueError(
            f'{source.path}: has only one of the parts pose and pose_encoder, '
            'which are one network; add the other file'
        )
    if main in _SEGMENTATION and 'encoder' not in used:
        raise ValueError(f'{source.path}: the part encoder is missing')
    return used


def _classes(parts: Parts, main: str, source: SourceFile) -> int | None:
    if main not in _SEGMENTATION:
        return None
    key = _CLASSIFIERS[main]
    if key not in parts[main]:
        raise ValueError(
            f'{source.path}: part {main}: {key} is missing, which tells the '
            'number of classes'
        )
    return len(parts[main][key])


def _check(
    parts: Parts,
    wanted: str,
    found: str,
    classes: int,
    width: int,
    source: SourceFile,
) -> None:
    """Compare every part with the layout of the wanted decoder."""
    problems = ''
    for part, state in parts.items():
        table = part_table(part, wanted, classes, width)
        text = layout_problems(state, table)
        problems += f'\npart {part}:{text}' if text else ''
    if not problems:
        return
    advice = 'Nothing was written. Is the file complete?'
    if wanted != found:
        advice = (
            f'Nothing was written. The file holds a {found} decoder, {wanted} '
            'is asked for: SDE_DEPTH and the segmentation networks take dec6, '
            'the source depth networks are dec11. Leave --decoder out to '
            'import a depth network as it is.'
        )
    raise ValueError(
        f'{source.path}: the keys do not fit SDE with a {wanted} decoder:'
        f'{problems}\n{advice}'
    )


def _details(source: SourceFile, found: str, parts: Parts) -> dict[str, Any]:
    best = source.content.get('best_iou')
    return {
        'decoder': found,
        'parts': list(parts),
        'files': source.content.get('files', {}),
        'epoch': source.content.get('epoch'),
        'best_iou': None if best is None else float(best),
    }


def _depth(
    source: SourceFile,
    parts: Parts,
    found: str,
    notes: list[str],
    details: Mapping[str, Any],
) -> Imported:
    """A checkpoint of MonoDepth, or of DepthStudent (dec9)."""
    state = _renamed(parts, DEPTH_RULES)
    name = f'{source.path.parent.name}/{source.path.name}'.lower()
    config = {
        'dec6': 'sde-depth-phase2_cs',
        'dec9': 'sde-depth-student_cs',
        'dec11': 'sde-depth_syn' if 'syn' in name else 'sde-depth_gta',
    }[found]
    if found == 'dec9':
        # The student predicts full size alone, and no motion.
        heads = tuple(f'decoder.heads.{scale}.' for scale in (1, 2, 3))
        drop = (*heads, 'pose_net.', 'reference_encoder.')
        state = {k: v for k, v in state.items() if not k.startswith(drop)}
    else:
        # Counts the updates of this suite's training alone.
        state['steps'] = torch.zeros((), dtype=torch.long)
    return Imported(
        f'SDE depth network ({found})',
        state,
        None,
        config,
        (*notes, *_depth_notes(parts, found)),
        details,
    )


def _depth_notes(parts: Parts, found: str) -> list[str]:
    if 'encoder' not in parts:
        return [
            'no encoder (a phase with a frozen one): decoder and pose net '
            'start phase 2 with SDE_DEPTH_PHASE1=OUT, the pose net alone '
            'starts phase 1 with SDE_POSE_WEIGHTS=OUT'
        ]
    if found == 'dec11':
        return [
            'depth of a source: sde-depth_gta and sde-depth_syn have this '
            'network; make its disparities with make_artifact.py disparity '
            '--encoding raw16'
        ]
    if found == 'dec9':
        return ['depth student: head of the full size alone']
    notes = ['start of the segmentation networks: SDE_DEPTH=OUT']
    if 'imnet_encoder' not in parts:
        notes.append(
            'no ImageNet copy of the encoder, which predicting does not '
            'need: use it with --cfg-options model.feature_distance=None'
        )
    return notes


def _segmentation(
    parts: Parts,
    main: str,
    classes: int,
    network: str,
    notes: list[str],
    details: Mapping[str, Any],
) -> Imported:
    state = _renamed(parts, SEGMENTATION_RULES)
    pose = {k: v for k, v in state.items() if k.startswith('pose_net.')}
    net = {k: v for k, v in state.items() if k not in pose}
    if network == 'all':
        net = {
            **{f'segmentor.{key}': value for key, value in net.items()},
            **{f'teacher.module.{key}': value for key, value in net.items()},
            # As SDE starts: the copy counts as the first update.
            'teacher.steps': torch.ones((), dtype=torch.long),
            **pose,
        }
        notes.append('no teacher is published: it is a copy of the student')
    elif pose:
        notes.append('left out the pose net; --network all keeps it')
    multi_task = main == 'mtl_decoder'
    return Imported(
        f'SDE segmentation network ({_SEGMENTATION[main]}), {network}',
        net,
        classes,
        'sde_gta2cs' if multi_task else 'sde-no-mtl_gta2cs',
        (*notes, _same_network(multi_task)),
        {**details, 'network': network},
    )


def _same_network(multi_task: bool) -> str:
    if multi_task:
        return 'sde-ssl_cs-* (exp. 212) have the same network (exp. 262)'
    return 'sde-ssl-*mix_cs-* (exp. 210) have the same network (exp. 260)'


def _renamed(parts: Parts, rules: Mapping[str, Any]) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for part, weights in parts.items():
        state |= rename(weights, rules[part])
    return state
