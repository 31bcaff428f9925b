# SPDX-License-Identifier: Apache-2.0
"""The iterative choice of images to label, without networks or files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .label_choice import (
    check_steps,
    farthest_points,
    highest_scores,
    random_order,
)

__all__ = ['METHODS', 'SelectionMethod', 'select_in_steps']


class SelectionMethod(NamedTuple):
    """What a method needs.

    Attributes:
        diversity: Distances in the features of a depth network.
        student: Variable with the images that a network trained on the
            chosen images scores before every step but the first, or None.
    """

    diversity: bool
    student: str | None


METHODS = {
    'diversity+difficulty': SelectionMethod(True, 'selection_images'),
    'diversity': SelectionMethod(True, None),
    'difficulty': SelectionMethod(False, 'selection_images'),
    'entropy': SelectionMethod(False, 'target_images'),
    'random': SelectionMethod(False, None),
}


def select_in_steps(
    method: str,
    total: int,
    steps: Sequence[int],
    seed: int,
    distances: Callable[[], np.ndarray] | None = None,
    score: Callable[[list[int]], np.ndarray] | None = None,
    weight: float = 1000.0,
    done: Mapping[int, list[int]] | None = None,
) -> Iterator[tuple[int, list[int]]]:
    """Choose images step by step (Hoyer et al., CVPR 2021, sec. 3.1).

    - 'diversity': farthest-point sampling from one random image.
    - 'diversity+difficulty', the paper's: the first step by diversity alone;
      then ``min_i D_ij + weight * E_j``, E from a student of the images
      chosen so far, fixed within a step.
    - 'difficulty', 'entropy': the first step at random, then the highest
      scores.
    - 'random': the head of a random order.

    Args:
        method: Key of :data:`METHODS`.
        total: N, number of images.
        steps: Growing sizes of the lists.
        seed: Of the random order.
        distances: Gives D (N, N); asked for at most once.
        score: Chosen images -> score of all images (N,).
        weight: Of the difficulty against the distance.
        done: Size -> list of an earlier run; its leading steps are kept.

    Yields:
        Size of the step and the chosen positions in the order of choice, of
        every step that was not done.

    Raises:
        ValueError: Unknown method, or see
            :func:`~mmseg_da.uda.label_choice.check_steps`.
    """
    if method not in METHODS:
        raise ValueError(f'--method {method!r}; allowed: {", ".join(METHODS)}')
    steps = check_steps(steps, total)
    order = random_order(total, seed)
    matrix: np.ndarray | None = None
    chosen: list[int] = []
    kept = done or {}
    for step in steps:
        if step in kept:
            chosen = list(kept[step])
            continue
        kept = {}
        scores = None
        if METHODS[method].student and chosen:
            scores = np.asarray(score(chosen))
        if METHODS[method].diversity:
            matrix = distances() if matrix is None else matrix
            bias = None if scores is None else weight * scores
            start = chosen or order[:1]
            chosen = farthest_points(matrix, start, step, bias)
        elif scores is None:
            chosen = order[:step]
        else:
            chosen = highest_scores(scores, chosen, step)
        yield step, list(chosen)
