# SPDX-License-Identifier: Apache-2.0
"""Named random streams, and uniform numbers mapped through parameters.

A street is a function of uniform random numbers that never depend on the
domain. Each part of the street has its own stream, so that a change in one
part does not shift the numbers of another, and parameters enter only through
inverse distribution functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from zlib import crc32

import numpy as np


def stream(
    seed: int, preset: str, index: int, name: str, *extra: int
) -> np.random.Generator:
    """The generator of one part of one street.

    Args:
        seed: Seed of the whole world, at least 0.
        preset: Name of the preset, so that two domains never share streets.
        index: Number of the street, at least 0.
        name: Name of the part, e.g. ``'layout/person'``.
        *extra: Further keys, e.g. the frame number for sensor noise.

    Returns:
        A Philox generator that only depends on the arguments.
    """
    key = [seed, crc32(preset.encode()), index, crc32(name.encode()), *extra]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def between(u: np.ndarray | float, low: float, high: float):
    """Maps uniform ``u`` in [0, 1) to the interval [low, high)."""
    return low + u * (high - low)


def poisson_count(u: float, mean: float, limit: int) -> int:
    """Inverse Poisson distribution function, at most ``limit``."""
    count, term = 0, math.exp(-mean)
    total = term
    while u > total and count < limit:
        count += 1
        term *= mean / count
        total += term
    return count


def pick(u: float, weights: Sequence[float]) -> int:
    """Inverse distribution function over ``len(weights)`` choices."""
    target = u * sum(weights)
    for index, weight in enumerate(weights):
        target -= weight
        if target < 0:
            return index
    return len(weights) - 1


def choose(u: float, rows: Sequence) -> np.ndarray:
    """One row of a table of equally likely rows, as float32."""
    return np.asarray(rows[min(int(u * len(rows)), len(rows) - 1)], np.float32)


def tinted(
    rows: Sequence, u: float, shift: float, jitter: float
) -> np.ndarray:
    """One row of a colour table, lighter or darker by up to ``jitter``."""
    change = np.float32(jitter * (2 * shift - 1))
    return np.clip(choose(u, rows) + change, 0.03, 0.95)
