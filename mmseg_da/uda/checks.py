# SPDX-License-Identifier: Apache-2.0
"""Checks of values in configs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def check_choice(name: str, value: Any, allowed: Sequence[str]) -> None:
    """Raise ValueError unless a value is one of the allowed ones.

    Args:
        name: Key in the config, for the message.
        value: What stands there.
        allowed: Names.
    """
    if value not in allowed:
        raise ValueError(f'{name}={value!r}; allowed: {", ".join(allowed)}')


def check_number(name: str, value: Any, low: float, high: float) -> None:
    """Raise ValueError unless a value is a number from low to high.

    Args:
        name: Key in the config, for the message.
        value: What stands there.
        low: Smallest value.
        high: Largest value.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and low <= value <= high):
        raise ValueError(
            f'{name}={value!r}: expected a number from {low} to {high}'
        )


def check_range(name: str, values: Any, low: float, high: float) -> None:
    """Raise ValueError unless values are (smallest, largest) in low..high."""
    if not isinstance(values, (list, tuple)) or len(values) != 2:
        raise ValueError(f'{name}={values!r}: expected (smallest, largest)')
    for value in values:
        check_number(name, value, low, high)
    if values[0] > values[1]:
        raise ValueError(
            f'{name}={values!r}: the first number is the smaller one'
        )
