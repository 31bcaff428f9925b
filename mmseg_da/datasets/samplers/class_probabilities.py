# SPDX-License-Identifier: Apache-2.0
"""Sampling rules on class pixel counts, as pure functions in float64."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

__all__ = ['class_cycle_weights', 'rare_class_probabilities']


def rare_class_probabilities(
    pixels: Sequence[int] | np.ndarray, temperature: float = 0.01
) -> np.ndarray:
    """Probability of every class under rare-class sampling.

    ``P(c) = softmax_c((1 - f_c) / T)`` over the classes that occur, with
    ``f_c`` the class's share of all labelled pixels (DAFormer, Hoyer et al.,
    CVPR 2022, eq. 6 and 7).

    Args:
        pixels: Pixels of every class in the whole set, shape (C,).
        temperature: T > 0; smaller prefers rare classes more.

    Returns:
        float64 array of shape (C,), sum 1; 0 for classes without pixels.

    Raises:
        ValueError: T is not positive or no class has pixels.
    """
    if not temperature > 0:
        raise ValueError(f'class_temperature={temperature} must be > 0')
    pixels = np.asarray(pixels, np.float64)
    present = pixels > 0
    if not present.any():
        raise ValueError('no class has any pixel in the class statistics')
    scores = (1 - pixels / pixels.sum()) / temperature
    scores = np.where(present, scores, -np.inf)
    weights = np.exp(scores - scores[present].max())
    return weights / weights.sum()


def class_cycle_weights(
    counts: np.ndarray,
    uniform_prior: float = 0.25,
    uniform_classes: Collection[int] = (),
) -> np.ndarray:
    """Probability of every image, given the class it is drawn for.

    ``w_c(i) = p / N + (1 - p) n_ic / sum_j n_jc``; 1 / N for the classes of
    ``uniform_classes`` (SAC, Araslanov and Roth, CVPR 2021, sec. 3.4).

    Args:
        counts: Pixels, shape (N, C).
        uniform_prior: p in [0, 1], the share that is drawn uniformly.
        uniform_classes: Train ids that are always drawn uniformly.

    Returns:
        float64 array of shape (C, N); rows of classes without any pixel that
        are not in ``uniform_classes`` sum to p, all others to 1.

    Raises:
        ValueError: p outside [0, 1].
    """
    if not 0 <= uniform_prior <= 1:
        raise ValueError(f'uniform_prior={uniform_prior} is outside [0, 1]')
    counts = np.asarray(counts, np.float64).T
    number = counts.shape[1]
    total = counts.sum(1, keepdims=True)
    shares = np.divide(
        counts, total, out=np.zeros_like(counts), where=total > 0
    )
    weights = uniform_prior / number + (1 - uniform_prior) * shares
    weights[list(uniform_classes)] = 1 / number
    return weights
