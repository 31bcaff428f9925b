# SPDX-License-Identifier: Apache-2.0
"""Which image the n-th draw of a source takes, if not a permutation."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

__all__ = ['IndexPolicy', 'draw_generator']

# Keeps the policies' random numbers apart from those of the augmentation,
# which are seeded by the same (seed, source, position).
_STREAM = 0x706F6C69


def draw_generator(*key: int) -> np.random.Generator:
    """Generator that is a function of non-negative integers only."""
    return np.random.default_rng((*key, _STREAM))


class IndexPolicy(ABC):
    """A pure function from a draw to an index of its source.

    Because nothing is remembered between draws, a sampler can start anywhere
    in constant time, and processes agree without talking to each other.
    Registered in ``DATA_SAMPLERS``; built with ``dataset=<the source>``.
    """

    @abstractmethod
    def index(self, seed: int, source: int, position: int) -> int:
        """Index of the image that a draw takes.

        Args:
            seed: Seed of the sampler.
            source: Number of the source.
            position: Number of the draw in the source's stream, from 0.

        Returns:
            Index into the source, in [0, its length).
        """
