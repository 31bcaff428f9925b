# SPDX-License-Identifier: Apache-2.0
"""A baseline's checkpoint as the start of SAC."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

_STUDENT = 'segmentor.'
_TEACHER = 'teacher.'
_SHOWN = 3


def adopt_baseline(
    module: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any
) -> None:
    """Complete a checkpoint without teacher, refuse one that does not fit.

    A load hook of :class:`SAC`, called after that of ``BaseUDASegmentor``,
    which has named the weights of a plain checkpoint. A checkpoint that
    lacks the teacher, the class prior or ``initialized`` is a baseline:
    student and teacher get its weights, and the first iteration begins anew.

    Args:
        module (nn.Module): The SAC model; ``has_baseline`` is set.
        state (dict[str, Tensor]): Changed in place.
        prefix (str): Of the module's keys.

    Raises:
        ValueError: The student's weights are not all there, or have other
            shapes; gives their numbers.
    """
    student, teacher = prefix + _STUDENT, prefix + _TEACHER
    given = {k[len(student) :] for k in state if k.startswith(student)}
    if not given:
        return
    own = module.segmentor.state_dict()
    shapes = [
        name
        for name in given & own.keys()
        if state[student + name].shape != own[name].shape
    ]
    needed = {name for name in own if 'num_batches_tracked' not in name}
    _refuse_misfit(needed - given, given - own.keys(), shapes)
    module.has_baseline = True
    extra = (prefix + 'class_prior', prefix + 'initialized')
    whole = any(key.startswith(teacher) for key in state)
    if whole and all(key in state for key in extra):
        return
    for name in given:
        state[f'{teacher}module.{name}'] = state[student + name]
    state[f'{teacher}steps'] = torch.zeros_like(module.teacher.steps)
    for key, value in zip(
        extra, (module.class_prior, module.initialized), strict=True
    ):
        state[key] = torch.zeros_like(value)


def _refuse_misfit(
    missing: Collection[str],
    unexpected: Collection[str],
    shapes: Collection[str],
) -> None:
    if not (missing or unexpected or shapes):
        return
    parts = [
        f'{len(names)} {title} ({", ".join(sorted(names)[:_SHOWN])}, ...)'
        for title, names in (
            ('missing', missing),
            ('unexpected', unexpected),
            ('of another shape', shapes),
        )
        if names
    ]
    raise ValueError(
        "SAC: the checkpoint does not fit the student's architecture; "
        f'weights: {"; ".join(parts)}. Load the baseline of the same network '
        'and class view.'
    )
