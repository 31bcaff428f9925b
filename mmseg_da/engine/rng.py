# SPDX-License-Identifier: Apache-2.0
"""Seeding and shielding of the global random generators."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


def seed_everything(*key: int) -> None:
    """Seed Python's, numpy's and torch's (CPU, CUDA) global generators.

    The states are a pure function of the key; different keys give
    independent streams (``numpy.random.SeedSequence``).

    Args:
        *key (int): Non-negative integers, e.g. (seed, rank, iteration).
    """
    words = np.random.SeedSequence(key).generate_state(4, np.uint64)
    random.seed(int(words[0]))
    np.random.seed(int(words[1] >> np.uint64(32)))
    # torch wants a signed 64-bit seed.
    torch.manual_seed(int(words[2] >> np.uint64(1)))


@contextmanager
def preserve_rng() -> Iterator[None]:
    """Give the global generators back the states they had on entry."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Run a network aside: eval mode, no graph, then all is as before.

    Args:
        model (nn.Module): Its mode is given back, like the generators.
    """
    was_training = model.training
    model.eval()
    try:
        with preserve_rng(), torch.no_grad():
            yield
    finally:
        model.train(was_training)
