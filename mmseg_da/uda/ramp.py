# SPDX-License-Identifier: Apache-2.0
"""Weights of losses that grow with the iterations."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WeightRamp(nn.Module):
    """A factor that grows linearly from 0 to 1, then stays.

    The i-th call (from 0) gives ``min(1, i / iters)``. Calls are counted in a
    buffer, so that a resumed run goes on where it stopped; nothing waits for
    the GPU. Call it once per training iteration. The counter is part of the
    checkpoint: weights taken over by ``load_from`` from a checkpoint of the
    same method bring it along, an exported segmentor does not.

    Args:
        iters (int): Calls until the factor is 1; 0 gives 1 from the start.
            Defaults to 0.
        name (str): Config key for the error. Defaults to 'ramp_iters'.

    Raises:
        ValueError: If ``iters`` is negative.
    """

    def __init__(self, iters: int = 0, name: str = 'ramp_iters') -> None:
        super().__init__()
        if iters < 0:
            raise ValueError(f'model.{name}={iters} must be >= 0 (0: no ramp)')
        self.iters = iters
        self.register_buffer('calls', torch.zeros((), dtype=torch.int64))

    def forward(self) -> Tensor:
        """Return the factor of this iteration, a scalar in [0, 1]."""
        if self.iters == 0:
            return torch.ones((), device=self.calls.device)
        factor = (self.calls / self.iters).clamp(max=1)
        self.calls += 1
        return factor
