# SPDX-License-Identifier: Apache-2.0
"""Entropy of class probabilities, in fp32 or higher."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# log2(0) = -inf; in half precision 1e-30 would be 0 itself.
_TINY = 1e-30


def class_probabilities(logits: Tensor) -> Tensor:
    """Softmax in fp32 or higher, whatever autocast would do.

    Args:
        logits (Tensor): (N, C, ...), of any float type.

    Returns:
        Tensor: Same shape, sums over dim 1 are 1.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    return logits.softmax(1, dtype=dtype)


def self_information(probabilities: Tensor) -> Tensor:
    """Weighted self-information of ADVENT (Vu et al., CVPR 2019, eq. 1).

    ``I = -P * log2(P + 1e-30) / log2(C)``.

    Args:
        probabilities (Tensor): (N, C, ...), sums over dim 1 are 1, C > 1.

    Returns:
        Tensor: Same shape, fp32 or higher, in [0, 0.5308 / log2(C)]; its sum
        over dim 1 is the entropy of a pixel, in [0, 1].
    """
    dtype = torch.promote_types(probabilities.dtype, torch.float32)
    probabilities = probabilities.to(dtype)
    classes = probabilities.shape[1]
    return (
        -probabilities * torch.log2(probabilities + _TINY) / math.log2(classes)
    )


def mean_entropy(probabilities: Tensor) -> Tensor:
    """Normalised entropy, averaged over batch and pixels.

    Args:
        probabilities (Tensor): (N, C, ...), sums over dim 1 are 1, C > 1.

    Returns:
        Tensor: Scalar in [0, 1].
    """
    classes = probabilities.shape[1]
    return self_information(probabilities).mean() * classes


def highest_mean(values: Tensor, share: float) -> Tensor:
    """Mean over the highest values of each image.

    Args:
        values (Tensor): (N, ...), e.g. the entropy of every pixel.
        share (float): Share of an image's values that count, in (0, 1]; at
            least one does.

    Returns:
        Tensor: Scalar, with gradient to the values that count.
    """
    if share == 1:
        return values.mean()
    values = values.flatten(1)
    count = max(1, round(share * values.shape[1]))
    return values.topk(count, dim=1, sorted=False).values.mean()
