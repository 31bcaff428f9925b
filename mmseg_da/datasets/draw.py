# SPDX-License-Identifier: Apache-2.0
"""Numbered draws: augmentation noise as a pure function of the draw.

A training sample is the n-th draw of a source. Seeding the augmentation from
(seed, source, n) makes a run independent of the number of workers and
processes and lets it resume exactly, without any RNG state in checkpoints.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


class DrawIndex(int):
    """A dataset index that knows which draw it is.

    Args:
        index (int): Index into the (concatenated) dataset.
        key (tuple[int, ...]): Non-negative integers that name the draw,
            (seed, source, position in the source's stream).
    """

    key: tuple[int, ...]

    def __new__(cls, index: int, key: tuple[int, ...]) -> DrawIndex:
        self = super().__new__(cls, index)
        self.key = key
        return self

    def __reduce__(self) -> tuple:
        return DrawIndex, (int(self), self.key)


@contextmanager
def seeded_draw(key: tuple[int, ...]) -> Iterator[None]:
    """Seed Python, NumPy and torch (CPU) from ``key`` and restore them after.

    Args:
        key (tuple[int, ...]): Non-negative integers, the name of the draw.

    Yields:
        None: Inside the context every CPU generator is a function of ``key``.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    words = np.random.SeedSequence(key).generate_state(3)
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))
    torch.default_generator.manual_seed(int(words[2]))
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
