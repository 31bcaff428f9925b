# SPDX-License-Identifier: Apache-2.0
"""A plain segmentor's checkpoint as the start of an adaptation method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .base import BaseUDASegmentor

_CHILDREN = ('backbone.', 'neck.', 'decode_head.', 'auxiliary_head.')


def adopt_plain_checkpoint(
    module: BaseUDASegmentor,
    state_dict: dict[str, Tensor],
    prefix: str,
    *_: Any,
) -> None:
    """Map the keys of a plain ``EncoderDecoder`` onto the wrapper's.

    A load hook of ``BaseUDASegmentor``. A teacher gets the weights too, and
    the step count of one that training has not moved yet.

    Args:
        module (BaseUDASegmentor): The model that loads.
        state_dict (dict[str, Tensor]): Changed in place.
        prefix (str): Of the module's keys.
    """
    plain = prefix + 'backbone.'
    if not any(key.startswith(plain) for key in state_dict):
        return
    targets = ['segmentor.']
    if module.teacher is not None:
        targets.append('teacher.module.')
        start = torch.full_like(module.teacher.steps, module.teacher_start)
        state_dict.setdefault(f'{prefix}teacher.steps', start)
    for key in list(state_dict):
        name = key[len(prefix) :]
        if key.startswith(prefix) and name.startswith(_CHILDREN):
            value = state_dict.pop(key)
            for target in targets:
                state_dict[f'{prefix}{target}{name}'] = value
