# SPDX-License-Identifier: Apache-2.0
"""Entropy ranking of IntraDA (Pan et al., CVPR 2020), as pure functions.

Images are ordered by the mean self-information of their prediction; the
lowest part is "easy", the rest "hard".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmseg_da.models.utils import self_information

__all__ = [
    'RARE_CLASSES',
    'check_easy_ratio',
    'count_present',
    'entropy_map',
    'ranking_score',
    'rare_class_factor',
    'rare_class_ids',
    'split_by_score',
]

# The classes that the entropy normaliser counts; 8 of them are in the
# 16-class view.
RARE_CLASSES = (
    'wall',
    'fence',
    'pole',
    'traffic light',
    'traffic sign',
    'terrain',
    'rider',
    'truck',
    'bus',
    'train',
    'motorcycle',
)


def ranking_score(logits: Tensor) -> Tensor:
    """Mean self-information of every image (sheet eq. 6).

    The mean runs over all ``C * H * W`` entries, so the score is the mean
    normalised entropy of the pixels divided by C.

    Args:
        logits (Tensor): (N, C, H, W) with C > 1, of any float type.

    Returns:
        Tensor: (N,) in float64, in [0, 1 / C].
    """
    information = self_information(logits.float().softmax(1))
    return information.flatten(1).mean(1, dtype=torch.float64)


def entropy_map(logits: Tensor) -> Tensor:
    """Normalised entropy of every pixel.

    Args:
        logits (Tensor): (N, C, H, W) with C > 1, of any float type.

    Returns:
        Tensor: (N, H, W) in float32, in [0, 1].
    """
    return self_information(logits.float().softmax(1)).sum(1)


def rare_class_ids(
    classes: Sequence[str], rare: Sequence[str] = RARE_CLASSES
) -> tuple[int, ...]:
    """Train ids of the rare classes that a class view has.

    Args:
        classes: Class names, position = train id.
        rare: Names that count as rare.

    Raises:
        ValueError: None of the names is a class.
    """
    ids = tuple(i for i, name in enumerate(classes) if name in set(rare))
    if not ids:
        raise ValueError(
            f'rare_classes={list(rare)} are no classes of the data '
            f'({list(classes)}); name some of them, or leave the '
            'normalisation off'
        )
    return ids


def count_present(labels: Tensor, class_ids: Sequence[int]) -> int:
    """How many of the given classes occur, whatever their pixel count.

    Args:
        labels (Tensor): Integer train ids of any shape.
        class_ids: Train ids to look for.
    """
    return len(set(torch.unique(labels).tolist()) & set(class_ids))


def rare_class_factor(present: int, rare: int) -> float:
    """Entropy normaliser ``(K - k) / K + 0.5`` of the reference's code.

    Images with many rare classes get a lower score and move towards easy.

    Args:
        present: k, rare classes that occur in the prediction.
        rare: K, number of rare classes: 11 of 19, 8 of 16.

    Returns:
        From 1.5 (none) down to 0.5 (all).

    Raises:
        ValueError: ``present`` is not in 0..rare.
    """
    if not 0 <= present <= rare or rare < 1:
        raise ValueError(f'{present} of {rare} rare classes is not possible')
    return (rare - present) / rare + 0.5


def check_easy_ratio(
    count: int, easy_ratio: float, allow_empty: bool = False
) -> int:
    """Number of easy images: ``int(count * easy_ratio)``.

    The product is taken in float64 and truncated, as the reference does:
    100 * 0.29 gives 28.

    Args:
        count: Number of images.
        easy_ratio: Lambda of the paper.
        allow_empty: Allow an empty half (ablations).

    Raises:
        ValueError: The ratio is outside [0, 1], or a half would be empty.
    """
    if not 0 <= easy_ratio <= 1:
        raise ValueError(
            f'easy_ratio={easy_ratio} (lambda) must be in [0, 1]; the paper '
            'has 0.67'
        )
    easy = int(count * easy_ratio)
    if not allow_empty and not 0 < easy < count:
        half = 'hard' if easy else 'easy'
        raise ValueError(
            f'easy_ratio={easy_ratio} (lambda) of {count} images leaves no '
            f'{half} image ({easy} easy, {count - easy} hard); choose '
            'another ratio, or set allow_empty (--allow-empty) for an '
            'ablation'
        )
    return easy


def split_by_score(
    scores: Sequence[float], easy_ratio: float, allow_empty: bool = False
) -> tuple[list[int], list[int]]:
    """Positions of the easy and of the hard images, in ascending order.

    The sort is stable: equal scores keep the order of the input.

    Args:
        scores: Finite scores of the images.
        easy_ratio: Share of easy images, lambda of the paper.
        allow_empty: Allow an empty half (ablations).

    Raises:
        ValueError: See :func:`check_easy_ratio`; or a score is not finite.
    """
    easy = check_easy_ratio(len(scores), easy_ratio, allow_empty)
    bad = [i for i, score in enumerate(scores) if not math.isfinite(score)]
    if bad:
        raise ValueError(
            f'score {scores[bad[0]]} at position {bad[0]} is not finite; '
            'the order would be undefined'
        )
    values = np.asarray(scores, np.float64)
    order = np.argsort(values, kind='stable').tolist()
    return order[:easy], order[easy:]
