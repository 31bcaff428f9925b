# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.dataset import ConcatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from mmseg.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from ..draw import DrawIndex
from .index_policy import IndexPolicy


@DATA_SAMPLERS.register_module()
class MultiSourceSampler(Sampler[int]):
    """Fill every batch with an exact number of samples of each source.

    Each source is an infinite stream of its own seeded permutations, or of
    what its policy chooses. A batch
    holds ``counts[0]`` indices of source 0, then ``counts[1]`` of source 1,
    and so on. All processes read one global stream: with W processes, process
    r takes the r-th slice of the W * count next positions, so W processes of
    batch B see the very samples one process of batch W * B sees. Every index
    carries its draw key (seed, source, position).

    Differences from mmdet's sampler of the same name: sources of equal length
    are permuted independently, and ``skip`` moves to any position in constant
    time, so that resuming is exact and immediate.

    Args:
        dataset (ConcatDataset): The sources, in the order of
            ``source_ratio``.
        batch_size (int): Samples per process and iteration; must equal the
            data loader's ``batch_size``.
        source_ratio (Sequence[int | float]): Either exact counts (integers
            that sum to ``batch_size``) or shares; rounding remainders go to
            source 0. Every source gets at least one sample.
        shuffle (bool): Permute each source anew in every pass.
            Defaults to True.
        seed (int, optional): Seed of the permutations. Defaults to None,
            which draws one shared by all processes.
        policies (Sequence[dict | None], optional): One entry per source:
            None for permutations, or the config of an :class:`IndexPolicy`
            that chooses its images, e.g. ``dict(type='RareClassPolicy')``.

    Raises:
        ValueError: If the counts, the number of sources or policies or a
            source's length do not fit.
    """

    def __init__(
        self,
        dataset: ConcatDataset,
        batch_size: int,
        source_ratio: Sequence[int | float],
        shuffle: bool = True,
        seed: int | None = None,
        policies: Sequence[dict | None] | None = None,
    ) -> None:
        lengths = _source_lengths(dataset)
        self.counts = _exact_counts(batch_size, source_ratio, len(lengths))
        self.batch_size = batch_size
        self.lengths = lengths
        self.offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]).tolist()
        self.shuffle = shuffle
        self.policies = _build_policies(policies, dataset)
        self.seed = sync_random_seed() if seed is None else int(seed)
        self.rank, self.world_size = get_dist_info()
        self._first_iteration = 0
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def __iter__(self) -> Iterator[DrawIndex]:
        iteration = self._first_iteration
        while True:
            for source, count in enumerate(self.counts):
                start = (iteration * self.world_size + self.rank) * count
                for position in range(start, start + count):
                    yield self._draw(source, position)
            iteration += 1

    def __len__(self) -> int:
        return sum(self.lengths)

    def skip(self, num_samples: int) -> None:
        """Start at an absolute position of this process's stream.

        Args:
            num_samples (int): Indices already consumed by this process, a
                multiple of ``batch_size``.

        Raises:
            ValueError: If ``num_samples`` is negative or no multiple.
        """
        iteration, rest = divmod(num_samples, self.batch_size)
        if num_samples < 0 or rest:
            raise ValueError(
                f'num_samples={num_samples} must be a non-negative multiple '
                f'of the batch size {self.batch_size}'
            )
        self._first_iteration = iteration

    def set_epoch(self, epoch: int) -> None:
        """Do nothing: the stream is infinite."""

    def _draw(self, source: int, position: int) -> DrawIndex:
        key = (self.seed, source, position)
        policy = self.policies[source]
        if policy is None:
            epoch, place = divmod(position, self.lengths[source])
            local = int(self._order(source, epoch)[place])
        else:
            local = policy.index(*key)
        return DrawIndex(self.offsets[source] + local, key)

    def _order(self, source: int, epoch: int) -> np.ndarray:
        cached = self._orders.get(source)
        if cached is None or cached[0] != epoch:
            length = self.lengths[source]
            if self.shuffle:
                generator = np.random.default_rng((self.seed, source, epoch))
                order = generator.permutation(length)
            else:
                order = np.arange(length)
            self._orders[source] = cached = (epoch, order)
        return cached[1]


def _source_lengths(dataset: ConcatDataset) -> list[int]:
    if not hasattr(dataset, 'cumulative_sizes'):
        raise ValueError(
            'MultiSourceSampler needs a DomainConcatDataset, got '
            f'{type(dataset).__name__}. Wrap the training sets: '
            "dataset=dict(type='DomainConcatDataset', datasets=[...])"
        )
    sizes = np.diff([0, *dataset.cumulative_sizes]).tolist()
    for i, size in enumerate(sizes):
        if size == 0:
            raise ValueError(f'source {i} of the training data is empty')
    return sizes


def _exact_counts(
    batch_size: int, source_ratio: Sequence[int | float], num_sources: int
) -> list[int]:
    if len(source_ratio) != num_sources:
        raise ValueError(
            f'source_ratio={list(source_ratio)} has {len(source_ratio)} '
            f'entries for {num_sources} training sets; give one per set'
        )
    if any(share <= 0 for share in source_ratio):
        raise ValueError(
            f'source_ratio={list(source_ratio)}: every entry must be > 0'
        )
    total = sum(source_ratio)
    counts = [int(batch_size * share / total) for share in source_ratio]
    counts[0] += batch_size - sum(counts)
    if min(counts) < 1:
        raise ValueError(
            f'source_ratio={list(source_ratio)} leaves a source without '
            f'samples in a batch of {batch_size} (counts {counts}); raise '
            'batch_size or change the ratio'
        )
    return counts


def _build_policies(
    policies: Sequence[dict | None] | None, dataset: ConcatDataset
) -> list[IndexPolicy | None]:
    members = dataset.datasets
    if policies is None:
        return [None] * len(members)
    if len(policies) != len(members):
        raise ValueError(
            f'policies has {len(policies)} entries for {len(members)} '
            'training sets; give one per set (None: plain permutations)'
        )
    return [
        entry and DATA_SAMPLERS.build({**entry, 'dataset': member})
        for entry, member in zip(policies, members, strict=True)
    ]
