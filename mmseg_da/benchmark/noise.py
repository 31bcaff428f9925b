# SPDX-License-Identifier: Apache-2.0
"""How much two runs differ that should be the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mmseg_da.evaluation.records import Record

from .rows import Row
from .spread import Spread, spread_of

_LEVEL = 0.95


@dataclass(frozen=True)
class Repeat:
    """One seed run more than once.

    Attributes:
        name: Row name.
        seed: The seed.
        scores: mIoU of its runs, percent.
        equal: Whether all runs ended with the same confusion matrix.
        class_span: Largest difference of the IoU of any class, points.
    """

    name: str
    seed: int | None
    scores: Spread
    equal: bool
    class_span: float


@dataclass(frozen=True)
class Noise:
    """Noise of one direction.

    Attributes:
        direction: Direction.
        repeats: Seeds that were run again.
        seeds: mIoU over seeds of every row that has more than one.
    """

    direction: str
    repeats: tuple[Repeat, ...]
    seeds: dict[str, Spread]

    @property
    def pooled_std(self) -> float | None:
        """Standard deviation over seeds, pooled over the rows; points."""
        freedom = self.freedom
        if not freedom:
            return None
        squares = sum(
            (len(s.values) - 1) * s.std**2 for s in self.seeds.values()
        )
        return math.sqrt(squares / freedom)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of :attr:`pooled_std`."""
        return sum(len(s.values) - 1 for s in self.seeds.values())

    def least_difference(self, count: int) -> float | None:
        """Difference of two rows' means that chance explains in 5 %.

        Two-sided t-test with the pooled standard deviation s:
        ``t * s * sqrt(2 / count)``.

        Args:
            count: Seeds of each of the two rows.
        """
        if self.pooled_std is None:
            return None
        quantile = stats.t.ppf((1 + _LEVEL) / 2, self.freedom)
        return float(quantile * self.pooled_std * math.sqrt(2 / count))

    def lines(self) -> list[str]:
        """The report as sentences."""
        lines = [_repeat_line(repeat) for repeat in self.repeats]
        if not lines:
            lines.append(
                'No seed was run twice; `python tools/benchmark.py run '
                '--repeat-seed 0` does it.'
            )
        for name, score in self.seeds.items():
            lines.append(
                f'{name}: {len(score.values)} seeds, mIoU {score:.2f}, from '
                f'{min(score.values):.2f} to {max(score.values):.2f}.'
            )
        if self.pooled_std is None:
            lines.append('No row has two seeds: the noise is unknown.')
            return lines
        count = min(len(score.values) for score in self.seeds.values())
        lines.append(
            f'Over all rows, a seed moves the mIoU by '
            f'{self.pooled_std:.2f} (standard deviation); means of {count} '
            f'seeds that differ by less than '
            f'{self.least_difference(count):.2f} cannot be told apart '
            '(5 % level).'
        )
        return lines


def measure_noise(direction: str, rows: Sequence[Row]) -> Noise:
    """Compare the repeated runs and the seeds of a direction.

    Args:
        direction: Direction.
        rows: Its rows.
    """
    repeats = []
    for row in rows:
        for seed, others in row.repeats.items():
            runs = [row.records[seed], *others]
            repeats.append(_repeat(row.name, seed, runs))
    spreads = {row.name: spread_of(row.miou()) for row in rows}
    seeds = {
        name: spread
        for name, spread in spreads.items()
        if spread is not None and spread.std is not None
    }
    return Noise(direction, tuple(repeats), seeds)


def _repeat(name: str, seed: int | None, runs: Sequence[Record]) -> Repeat:
    first = runs[0]
    spans = [
        Spread(values).span
        for values in (
            [run.scores.iou[c] for run in runs] for c in first.classes
        )
        if None not in values
    ]
    return Repeat(
        name=name,
        seed=seed,
        scores=Spread(run.scores.miou['mIoU'] or 0.0 for run in runs),
        equal=all(
            np.array_equal(first.confusion, run.confusion) for run in runs
        ),
        class_span=max(spans, default=0.0),
    )


def _repeat_line(repeat: Repeat) -> str:
    runs = len(repeat.scores.values)
    text = f'{repeat.name}: seed {repeat.seed} run {runs} times: '
    if repeat.equal:
        return text + 'equal confusion matrices.'
    return text + (
        f'mIoU differs by {repeat.scores.span:.2f}, a class by up to '
        f'{repeat.class_span:.2f}.'
    )
