# SPDX-License-Identifier: Apache-2.0
"""Random numbers of a batch that do not depend on the process count."""

from __future__ import annotations

import torch
from mmengine.dist import broadcast, get_dist_info
from torch import Tensor


class SharedDraws:
    """Numbers for the samples of this process, out of one stream for all.

    Process 0 draws a seed from torch's global generator and sends it to the
    others; each then draws the numbers of the whole batch and keeps its part.
    So W processes of batch B mix and augment exactly as one process of batch
    W * B. Make one per iteration, before anything else draws random numbers.
    """

    def __init__(self) -> None:
        self.rank, self.world_size = get_dist_info()
        seed = torch.randint(2**62, (1,))
        broadcast(seed, src=0)
        self.generator = torch.Generator().manual_seed(int(seed))

    def uniform(self, count: int, *shape: int) -> Tensor:
        """Numbers in [0, 1) on the CPU.

        Args:
            count (int): Samples of this process, the same in all processes.
            *shape (int): Numbers per sample.

        Returns:
            Tensor: (count, *shape), float32.
        """
        total = self.world_size * count
        numbers = torch.rand(total, *shape, generator=self.generator)
        return numbers[self.rank * count : (self.rank + 1) * count]
