# SPDX-License-Identifier: Apache-2.0
"""Pseudo-labels from several aligned views of an image.

The formulas of SAC (Araslanov & Roth, CVPR 2021, section 3). Batches are
image-major: the T views of an image are neighbours, B = N * T.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub
from torch import Tensor

POOLINGS = ('average', 'minentropy')
VALIDITY_FRAMES = ('view_frame', 'reference_frame')
# Below this summed probability a place is outside of all views.
_COVERED = 0.1
_EPS = 1e-5


def warp(maps: Tensor, affine: Tensor) -> Tensor:
    """Sample maps at affinely moved positions, zero outside.

    Args:
        maps (Tensor): (B, C, H, W).
        affine (Tensor): (B, 2, 3) in the normalised coordinates of
            ``affine_grid``, x first, ``align_corners=False``.

    Returns:
        Tensor: (B, C, H, W).
    """
    grid = F.affine_grid(affine, list(maps.shape), align_corners=False)
    return _sample(maps, grid)


def refine(
    probabilities: Tensor,
    padding: Tensor,
    affine: Tensor,
    affine_inverse: Tensor,
    num_views: int,
    pooling: str | None = 'average',
    validity: str = 'view_frame',
) -> Tensor:
    """Let the views of an image agree on their class probabilities.

    Every view is warped to the frame of its image, the views are pooled, and
    the result is warped back to each view.

    Args:
        probabilities (Tensor): (B, C, H, W).
        padding (Tensor): bool (B, H, W); says nothing there.
        affine (Tensor): (B, 2, 3), frame -> view (:func:`view_affine`).
        affine_inverse (Tensor): (B, 2, 3), view -> frame.
        num_views (int): T.
        pooling (str, optional): 'average', 'minentropy', or None, which
            leaves every view alone. Defaults to 'average'.
        validity (str): A warped view also weighs by the share of each pixel
            that lies inside. The reference computes it in the 'view_frame'
            (border pixels of a view weigh 0.75) and applies it in the frame
            of the image; 'reference_frame' computes it there. Defaults to
            'view_frame'.

    Returns:
        Tensor: (B, C, H, W); sums over C are at most 1.
    """
    probabilities = probabilities.masked_fill(padding.unsqueeze(1), 0)
    if pooling is None:
        return probabilities
    shape = probabilities.shape
    forth = F.affine_grid(affine, list(shape), align_corners=False)
    back = F.affine_grid(affine_inverse, list(shape), align_corners=False)
    ones = probabilities.new_ones(shape[0], 1, *shape[2:])
    weight = _sample(ones, back if validity == 'view_frame' else forth)
    in_frame = _sample(probabilities, forth).mul_(weight)
    pool = average_views if pooling == 'average' else min_entropy_view
    pooled, covered = pool(in_frame.unflatten(0, (-1, num_views)))
    refined = _to_views(pooled, back, num_views)
    return refined.mul_(_to_views(covered.to(pooled), back, num_views))


def average_views(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Average probabilities over views, each weighed by its local mass.

    Args:
        maps (Tensor): (N, T, C, H, W), not normalised: zero where a view
            shows nothing.

    Returns:
        tuple[Tensor, Tensor]: Probabilities (N, C, H, W), and whether any
        view covers a place, bool (N, 1, H, W).
    """
    total = maps.sum(1)
    mass = total.sum(1, keepdim=True)
    return total / mass.clamp(min=1e-3), mass > _COVERED


def min_entropy_view(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Take, per place, the probabilities of the surest view.

    Args:
        maps (Tensor): (N, T, C, H, W), see :func:`average_views`.

    Returns:
        tuple[Tensor, Tensor]: As :func:`average_views`.
    """
    entropy = -(maps * torch.log((maps + _EPS) / (1 + _EPS))).sum(2)
    mass = maps.sum(2)
    entropy = entropy.masked_fill(mass < _COVERED, 1e5)
    best = entropy.argmin(1)[:, None, None]
    chosen = maps.gather(1, best.expand(-1, -1, *maps.shape[2:])).squeeze(1)
    return chosen, mass.sum(1, keepdim=True) > _COVERED


def update_class_prior(
    prior: Tensor, mean: Tensor, momentum: float, initial: float
) -> Tensor:
    """Moving average of the class shares in the teacher's predictions.

    A class that was never seen (its prior is still exactly ``initial``)
    starts at its first mean above 1e-8.

    Args:
        prior (Tensor): (C,), before.
        mean (Tensor): (C,), mean probability over the pixels of this batch.
        momentum (float): Weight of the old value.
        initial (float): The paper's beta.

    Returns:
        Tensor: (C,), after.
    """
    first = (prior == initial) & (mean > 1e-8)
    start = torch.where(first, mean, prior)
    return momentum * start + (1 - momentum) * mean


def class_discount(prior: Tensor, scale: float) -> Tensor:
    """How much lower the threshold of a rare class is (the paper's eq. 5).

    Args:
        prior (Tensor): (C,), see :func:`update_class_prior`.
        scale (float): The paper's beta.

    Returns:
        Tensor: ``1 - exp(-prior / scale)``, (C,).
    """
    return -torch.expm1(-prior / scale)


def class_thresholds(
    confidence: Tensor,
    winner: Tensor,
    discount: Tensor,
    upper: float,
    lower: float,
) -> Tensor:
    """Confidence that a class needs in a view (the paper's eq. 5).

    ``max(upper * peak_c * discount_c, lower)``; ``peak_c`` is the largest
    confidence of the pixels of the class in the view.

    Args:
        confidence (Tensor): (B, H, W).
        winner (Tensor): Class of each pixel, int64 (B, H, W).
        discount (Tensor): (C,), see :func:`class_discount`.
        upper (float): The paper's zeta.
        lower (float): Least threshold.

    Returns:
        Tensor: (B, C).
    """
    # By rows first: on a GPU all pixels would fight over a few cells.
    rows = confidence.new_zeros(*confidence.shape[:2], len(discount))
    peak = rows.scatter_reduce_(2, winner, confidence, 'amax').amax(1)
    return (upper * peak * discount).clamp(min=lower)


def pseudo_labels(
    probabilities: Tensor,
    padding: Tensor,
    discount: Tensor,
    upper: float = 0.75,
    lower: float = 0.2,
    ignore_index: int = 255,
) -> tuple[Tensor, Tensor]:
    """Label the pixels that are surer than their class's threshold.

    Args:
        probabilities (Tensor): (B, C, H, W), refined.
        padding (Tensor): bool (B, H, W), never labelled.
        discount (Tensor): (C,), see :func:`class_discount`.
        upper, lower: See :func:`class_thresholds`.
        ignore_index (int): Label of all other pixels. Defaults to 255.

    Returns:
        tuple[Tensor, Tensor]: Labels, int64 (B, H, W), and the confidence of
        every pixel, (B, H, W) in [0, 1].
    """
    confidence, winner = probabilities.max(1)
    thresholds = class_thresholds(confidence, winner, discount, upper, lower)
    own = thresholds.gather(1, winner.flatten(1)).view_as(confidence)
    unsure = (confidence <= own) | padding
    return winner.masked_fill(unsure, ignore_index), confidence


def _sample(maps: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(
        maps, grid.to(maps.dtype), padding_mode='zeros', align_corners=False
    )


def _to_views(maps: Tensor, grid: Tensor, num_views: int) -> Tensor:
    """Sample maps (N, C, H, W) at the grids (B, H, W, 2) of their views."""
    height, width = grid.shape[1:3]
    # One tall grid per image: the maps are not copied for each view.
    tall = grid.reshape(len(maps), num_views * height, width, 2)
    sampled = _sample(maps, tall).unflatten(2, (num_views, height))
    return sampled.transpose(1, 2).flatten(0, 1)


def require_finite(mean_probability: Tensor) -> None:
    """Stop a training whose momentum network has diverged.

    Args:
        mean_probability (Tensor): (C,), of a batch.

    Raises:
        ValueError: It is not finite; names the iteration, as the log of a
            Runner counts it (the teacher's steps would not do: an imported
            one has made some before).
    """
    if mean_probability.isfinite().all():
        return
    done = MessageHub.get_current_instance().get_info('iter')
    when = '' if done is None else f' at iteration {done + 1}'
    raise ValueError(
        f'SAC: the momentum network predicts NaN or Inf{when}. Did the '
        'student diverge? Look at the losses before, lower the learning rate '
        'or model.target_weight, and go on from an earlier checkpoint.'
    )
