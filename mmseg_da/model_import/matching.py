# SPDX-License-Identifier: Apache-2.0
"""Strict comparison of a state dict with a table, and renaming by rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from .layouts import Table

_SHOWN = 4
_COUNTER = 'num_batches_tracked'

# (regular expression, replacement): the first one that fits a key applies.
Rules = Sequence[tuple[str, str]]


def require_layout(
    state: Mapping[str, Tensor], table: Table, title: str, advice: str
) -> None:
    """Refuse a state dict that is not exactly what a table says.

    Files from before PyTorch 0.4.1 have no ``num_batches_tracked``; either
    all or none may be there.

    Args:
        state: Weights by key.
        table: Expected shapes by key.
        title: File and network, for the message.
        advice: What to do next.

    Raises:
        ValueError: Keys are missing or left over, or shapes differ; with
            counts and examples.
    """
    problems = layout_problems(state, table)
    if problems:
        raise ValueError(f'{title}: the keys do not fit:{problems}\n{advice}')


def layout_problems(state: Mapping[str, Tensor], table: Table) -> str:
    """What :func:`require_layout` complains about; '' if nothing."""
    counters = any(key.endswith(_COUNTER) for key in state)
    missing = [
        key
        for key in table
        if key not in state and (counters or not key.endswith(_COUNTER))
    ]
    unexpected = [key for key in state if key not in table]
    shapes = [
        f'{key} {tuple(state[key].shape)}, expected {shape}'
        for key, shape in table.items()
        if key in state and tuple(state[key].shape) != shape
    ]
    return (
        _listed('missing', missing)
        + _listed('unexpected', unexpected)
        + _listed('of another shape', shapes)
    )


def rename(state: Mapping[str, Tensor], rules: Rules) -> dict[str, Tensor]:
    """Rename every key by the first rule that fits.

    Args:
        state: Weights by key.
        rules: Patterns, matched at the start of a key, with replacements.

    Raises:
        ValueError: No rule fits a key, or two keys get one name.
    """
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        for pattern, replacement in rules:
            name, count = re.subn(f'^{pattern}', replacement, key)
            if count:
                break
        else:
            raise ValueError(f'no rule for the key {key!r}')
        if name in renamed:
            raise ValueError(f'two keys would become {name!r}')
        renamed[name] = value
    return renamed


def first_keys(keys: Sequence[str], count: int = _SHOWN) -> str:
    """The first keys, for messages."""
    keys = list(keys)
    more = ', ...' if len(keys) > count else ''
    return f'{", ".join(map(str, keys[:count]))}{more}'


def _listed(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ''
    shown = ''.join(f'\n    {line}' for line in lines[:_SHOWN])
    rest = len(lines) - _SHOWN
    more = f'\n    ... and {rest} more' if rest > 0 else ''
    return f'\n  {len(lines)} {title}:{shown}{more}'
