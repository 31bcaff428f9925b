# SPDX-License-Identifier: Apache-2.0
"""Which images deserve a label, as pure functions.

Hoyer et al., CVPR 2021 (SDE), sec. 3.1: images that are far from all chosen
ones in the features of a depth network (diversity) and whose depth a small
student predicts badly (difficulty).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .ranking import entropy_map

__all__ = [
    'DIFFICULTY_ERRORS',
    'POOLINGS',
    'check_steps',
    'difficulty_error',
    'entropy_score',
    'farthest_points',
    'highest_scores',
    'normalize_features',
    'pairwise_distances',
    'pool_features',
    'random_order',
]

_OFFSET = 0.1  # of the relative errors' denominator
_DEPTHS = (0.1, 80.0)


def _inverse(disparity: Tensor) -> Tensor:
    return (1 / disparity).clamp(*_DEPTHS)


DIFFICULTY_ERRORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    'abs_log': lambda p, t: (p.log1p() - t.log1p()).abs(),
    'abs': lambda p, t: (p - t).abs(),
    'sq': lambda p, t: (p - t).square(),
    'abs_rel': lambda p, t: (p - t).abs() / (t + _OFFSET),
    'sq_rel': lambda p, t: (p - t).square() / (t + _OFFSET),
    'abs_inv': lambda p, t: (_inverse(p) - _inverse(t)).abs(),
    'abs_inv_log': lambda p, t: (_inverse(p).log() - _inverse(t).log()).abs(),
}
POOLINGS: dict[str, Callable[[Tensor, Sequence[int]], Tensor]] = {
    'avg': F.adaptive_avg_pool2d,
    'max': F.adaptive_max_pool2d,
}


def pool_features(
    features: Tensor, size: Sequence[int] = (4, 8), pooling: str = 'avg'
) -> Tensor:
    """Pool feature maps to a coarse grid.

    Args:
        features (Tensor): (N, C, H, W).
        size: Rows and columns of the grid.
        pooling: Key of :data:`POOLINGS`.

    Returns:
        Tensor: (N, C, *size), fp32 or higher.

    Raises:
        ValueError: Unknown pooling, or an empty grid.
    """
    if pooling not in POOLINGS:
        raise ValueError(
            f'pooling={pooling!r}; allowed: {", ".join(POOLINGS)}'
        )
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f'pool size {tuple(size)}: expected (rows, columns)')
    dtype = torch.promote_types(features.dtype, torch.float32)
    return POOLINGS[pooling](features.to(dtype), tuple(size))


def normalize_features(pooled: Tensor) -> Tensor:
    """Normalise every channel over all images and positions.

    The deviation is the unbiased one. A constant channel becomes 0.

    Args:
        pooled (Tensor): (N, C, h, w) with more than one value per channel.

    Returns:
        Tensor: (N, C * h * w).

    Raises:
        ValueError: A single value per channel, or values that are not finite.
    """
    if pooled.shape[0] * pooled[0, 0].numel() < 2:
        raise ValueError(
            'the features of a single image and position have no deviation; '
            'give more images'
        )
    if not torch.isfinite(pooled).all():
        raise ValueError(
            'the features of the depth network hold values that are not '
            'finite; it has diverged'
        )
    deviation, mean = torch.std_mean(pooled, (0, 2, 3), keepdim=True)
    centred = pooled - mean
    constant = deviation == 0
    return (centred / deviation.masked_fill(constant, 1)).flatten(1)


def pairwise_distances(features: Tensor) -> np.ndarray:
    """Euclidean distances of all images.

    In float64, so that near images do not cancel.

    Args:
        features (Tensor): (N, D); 8 N D bytes are needed beside it.

    Returns:
        float64 (N, N), 0 on the diagonal.
    """
    features = features.double()
    distances = torch.cdist(features, features).cpu().numpy()
    np.fill_diagonal(distances, 0)
    return distances


def farthest_points(
    distances: np.ndarray,
    start: Sequence[int],
    count: int,
    bias: np.ndarray | None = None,
) -> list[int]:
    """Farthest-point sampling; the first of equals is taken.

    Adds ``argmax_j min_{i chosen} D_ij + bias_j`` until there are ``count``
    images. The smallest distance of every image is kept and updated by one
    row per choice.

    Args:
        distances: (N, N).
        start: Images chosen already, at least one.
        count: How many there are afterwards.
        bias: (N,), difficulty of the images; None for diversity alone.

    Returns:
        ``start`` and the added images in the order of their choice.

    Raises:
        ValueError: No start, or ``count`` outside ``len(start)..N``.
    """
    total = len(distances)
    chosen = [int(i) for i in start]
    _check_count(len(chosen), count, total)
    if not chosen:
        raise ValueError('farthest_points: start with at least one image')
    nearest = distances[chosen].min(0)
    open_ = np.ones(total, bool)
    open_[chosen] = False
    extra = 0.0 if bias is None else np.asarray(bias, np.float64)
    while len(chosen) < count:
        score = np.where(open_, nearest + extra, -np.inf)
        best = int(score.argmax())
        chosen.append(best)
        open_[best] = False
        np.minimum(nearest, distances[best], out=nearest)
    return chosen


def highest_scores(
    scores: np.ndarray, start: Sequence[int], count: int
) -> list[int]:
    """Add the images of the highest score; the first of equals is taken.

    Args:
        scores: (N,).
        start: Images chosen already.
        count: How many there are afterwards.

    Raises:
        ValueError: ``count`` outside ``len(start)..N``.
    """
    chosen = [int(i) for i in start]
    _check_count(len(chosen), count, len(scores))
    taken = set(chosen)
    order = np.argsort(-np.asarray(scores, np.float64), kind='stable')
    more = [int(i) for i in order if int(i) not in taken]
    return chosen + more[: count - len(chosen)]


def _check_count(chosen: int, count: int, total: int) -> None:
    if not chosen <= count <= total:
        raise ValueError(
            f'cannot choose {count} of {total} images with {chosen} chosen '
            f'already; give a number from {chosen} to {total}'
        )


def difficulty_error(
    prediction: Tensor,
    teacher: Tensor,
    kind: str = 'abs_log',
    far: float = 0.07,
    dilation: int = 7,
    valid_rows: float = 0.87,
) -> Tensor:
    """Mean error of a depth student per image.

    Pixels near something very far (the teacher's disparity is below ``far``
    within ``dilation`` pixels) and the own car at the bottom count as 0; they
    stay in the denominator.

    Args:
        prediction (Tensor): (N, 1, H, W), disparity of the student.
        teacher (Tensor): Same shape, in [0, 1].
        kind: Key of :data:`DIFFICULTY_ERRORS`; 'abs_log' is
            ``|log(1 + p) - log(1 + t)|``.
        far: Disparity of what is too far; 0 masks nothing.
        dilation: Odd side of the square, in pixels.
        valid_rows: Rows from int(valid_rows * H) on are masked.

    Returns:
        Tensor: (N,) in float64, >= 0.

    Raises:
        ValueError: Different shapes, an unknown kind or an even dilation.
    """
    if kind not in DIFFICULTY_ERRORS:
        raise ValueError(
            f'error={kind!r}; allowed: {", ".join(DIFFICULTY_ERRORS)}'
        )
    if dilation < 1 or dilation % 2 == 0:
        raise ValueError(f'dilation={dilation}; expected an odd number')
    if prediction.shape != teacher.shape or teacher.ndim != 4:
        raise ValueError(
            f'disparities of shapes {tuple(prediction.shape)} and '
            f'{tuple(teacher.shape)}; both must be (N, 1, H, W) of one size'
        )
    error = DIFFICULTY_ERRORS[kind](prediction.double(), teacher.double())
    masked = F.max_pool2d(
        (teacher < far).float(), dilation, stride=1, padding=dilation // 2
    )
    rows = torch.arange(error.shape[-2], device=error.device)
    car = (rows >= int(valid_rows * error.shape[-2]))[:, None]
    error = error.masked_fill((masked > 0) | car, 0)
    return error.flatten(1).mean(1)


def entropy_score(logits: Tensor) -> Tensor:
    """Mean normalised entropy per image, the active-learning baseline.

    Args:
        logits (Tensor): (N, C, H, W) with C > 1.

    Returns:
        Tensor: (N,) in float64, in [0, 1].
    """
    return entropy_map(logits).flatten(1).mean(1, dtype=torch.float64)


def random_order(total: int, seed: int) -> list[int]:
    """All positions in a random order, NumPy's legacy stream (frozen)."""
    return np.random.RandomState(seed).permutation(total).tolist()


def check_steps(steps: Iterable[int], total: int) -> list[int]:
    """Sizes of the lists to write.

    Raises:
        ValueError: Not increasing, below 1, or more than there are images.
    """
    steps = list(steps)
    growing = all(a < b for a, b in pairwise(steps))
    if not steps or steps[0] < 1 or not growing:
        raise ValueError(
            f'--steps {",".join(map(str, steps))}: give growing numbers of '
            'images, each once, e.g. 25,50,100'
        )
    if steps[-1] > total:
        raise ValueError(
            f'--steps: {steps[-1]} images cannot be chosen of the {total} '
            'there are; lower it, or complete the download'
        )
    return steps
