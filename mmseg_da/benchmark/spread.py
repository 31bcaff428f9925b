# SPDX-License-Identifier: Apache-2.0
"""A mean that knows the values it was made of."""

from __future__ import annotations

import statistics
from collections.abc import Iterable


class Spread(float):
    """Mean over seeds; a float, so that tables sort and shade it.

    Formatting adds the sample standard deviation (n - 1), which a single
    value does not have: ``f'{Spread([1, 2, 3]):.1f}'`` is ``'2.0 ± 1.0'``.

    Args:
        values: At least one number.
    """

    values: tuple[float, ...]

    def __new__(cls, values: Iterable[float]) -> Spread:
        numbers = tuple(float(value) for value in values)
        self = super().__new__(cls, statistics.fmean(numbers))
        self.values = numbers
        return self

    @property
    def std(self) -> float | None:
        """Sample standard deviation; None of a single value."""
        if len(self.values) < 2:
            return None
        return statistics.stdev(self.values)

    @property
    def span(self) -> float:
        """Largest minus smallest value."""
        return max(self.values) - min(self.values)

    def __format__(self, spec: str) -> str:
        text = format(float(self), spec)
        if self.std is None:
            return text
        return f'{text} ± {self.std:{spec}}'


def spread_of(values: Iterable[float | None]) -> Spread | None:
    """Mean of values that all exist; None if one is missing, or all are."""
    numbers = list(values)
    if not numbers or any(value is None for value in numbers):
        return None
    return Spread(numbers)
