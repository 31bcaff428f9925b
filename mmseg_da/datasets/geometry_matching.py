# SPDX-License-Identifier: Apache-2.0
"""How alike the geometry of two scenes is (matching geometry sampling).

Hoyer et al., "Improving Semi-Supervised and Domain-Adaptive Semantic
Segmentation with Self-Supervised Depth Estimation", IJCV 2023.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = [
    'DISPARITY_SCALES',
    'best_match',
    'geometry_distance',
    'scale_disparity',
]

DISPARITY_SCALES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    'log1': np.log1p,
    'id': lambda d: d,
    'inv': lambda d: 1 / (d + 0.1),
    'loginv': lambda d: np.log(1 / (d + 0.01)),
    'log01': lambda d: np.log(d + 0.1),
    'synthia': lambda d: 655.36 / (255 * d + 1) - 0.01,
}


def scale_disparity(disparity: np.ndarray, scale: str) -> np.ndarray:
    """Bring a disparity map onto the scale that is compared.

    Args:
        disparity: Shape (..., H, W), values >= 0, large = near.
        scale: Key of :data:`DISPARITY_SCALES`; 'log1' is ``log(1 + d)``.

    Returns:
        float64 array of the same shape.

    Raises:
        ValueError: Unknown scale.
    """
    if scale not in DISPARITY_SCALES:
        raise ValueError(
            f'disp_scale {scale!r} is unknown; allowed: '
            f'{", ".join(DISPARITY_SCALES)}'
        )
    return DISPARITY_SCALES[scale](np.asarray(disparity, np.float64))


def geometry_distance(
    target: np.ndarray,
    source: np.ndarray,
    scale: str = 'log1',
    ignore_top: int = 80,
    ignore_bottom: int = 100,
) -> float:
    """Mean absolute difference of two scaled disparity maps.

    The ignored rows count as equal: they stay in the denominator, as in the
    reference.

    Args:
        target: Shape (H, W).
        source: Shape (H, W).
        scale: Key of :data:`DISPARITY_SCALES`.
        ignore_top: Rows ignored at the top.
        ignore_bottom: Rows ignored at the bottom.

    Returns:
        The distance, >= 0.

    Raises:
        ValueError: Maps of different sizes, no row left, or values that are
            not finite.
    """
    return float(
        _distances(target, [source], scale, ignore_top, ignore_bottom)[0]
    )


def _distances(
    target: np.ndarray,
    candidates: Sequence[np.ndarray],
    scale: str,
    ignore_top: int,
    ignore_bottom: int,
) -> np.ndarray:
    """Distance of every candidate; the target is scaled once."""
    for source in candidates:
        if target.ndim != 2 or target.shape != source.shape:
            raise ValueError(
                f'disparity maps of shapes {target.shape} and '
                f'{source.shape}; both crops must be (H, W) of one size'
            )
    _check_rows(len(target), ignore_top, ignore_bottom)
    rows = slice(ignore_top, len(target) - ignore_bottom)
    maps = np.stack([target[rows], *(x[rows] for x in candidates)])
    scaled = scale_disparity(maps, scale)
    distances = np.abs(scaled[1:] - scaled[0]).sum((1, 2)) / target.size
    if not np.isfinite(distances).all():
        raise ValueError(
            'disparity maps hold values that are not finite; mark invalid '
            'pixels by 0 before they are compared'
        )
    return distances


def _check_rows(height: int, ignore_top: int, ignore_bottom: int) -> None:
    if ignore_top < 0 or ignore_bottom < 0:
        raise ValueError('ignore_top and ignore_bottom must be >= 0')
    if ignore_top + ignore_bottom >= height:
        raise ValueError(
            f'ignore_top={ignore_top} and ignore_bottom={ignore_bottom} leave '
            f'nothing of {height} rows; lower them for small crops'
        )


def best_match(
    target: np.ndarray,
    candidates: Sequence[np.ndarray],
    scale: str = 'log1',
    ignore_top: int = 80,
    ignore_bottom: int = 100,
) -> int:
    """Position of the candidate nearest to the target; the first of equals.

    Args:
        target: Disparity map of shape (H, W).
        candidates: Disparity maps of the same shape, at least one.
        scale, ignore_top, ignore_bottom: See :func:`geometry_distance`.
    """
    return int(
        np.argmin(
            _distances(target, candidates, scale, ignore_top, ignore_bottom)
        )
    )
