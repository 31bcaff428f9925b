# SPDX-License-Identifier: Apache-2.0
"""A batch of aligned views as methods work with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class ViewBatch(NamedTuple):
    """Views of N images, V each, image by image: B = N x V.

    Attributes:
        noisy: (B, 3, H, W), for the student.
        clean: (B, 3, H, W), for the teacher.
        padding: bool (B, H, W), True where a view shows no image.
        affine: (B, 2, 3), reference frame -> view.
        affine_inverse: (B, 2, 3), view -> reference frame.
        num_views: V.
    """

    noisy: Tensor
    clean: Tensor
    padding: Tensor
    affine: Tensor
    affine_inverse: Tensor
    num_views: int

    @classmethod
    def collect(cls, noisy: Tensor, samples: list) -> ViewBatch:
        """Lay out what :class:`ConsistencyViews` and its preprocessor made.

        Args:
            noisy (Tensor): (N, V, 3, H, W).
            samples (list): N samples with ``clean`` (V, 3, H, W),
                ``padding`` (V, H, W), ``affine`` and ``affine_inverse``
                (V, 2, 3). What the preprocessor has stacked already, the
                clean views, is not copied.

        Raises:
            ValueError: ``noisy`` has another number of dimensions.
        """
        if noisy.ndim != 5:
            raise ValueError(
                f'target_views has shape {tuple(noisy.shape)}, expected '
                '(images, views, 3, H, W); end the target pipeline with '
                'ConsistencyViews and MultiBranch(target_views=[PackViews]), '
                'and use PaddedSegDataPreProcessor for the branch'
            )
        rest = (
            _stack([sample.get(name) for sample in samples]).flatten(0, 1)
            for name in cls._fields[1:-1]
        )
        return cls(noisy.flatten(0, 1), *rest, noisy.shape[1])


def _stack(parts: Sequence[Tensor]) -> Tensor:
    """Stack tensors; those that are one tensor's slices give it back."""
    whole = parts[0]._base
    shape = (len(parts), *parts[0].shape)
    if (
        whole is not None
        and whole.shape == shape
        and all(map(_is_same, parts, whole))
    ):
        return whole
    return torch.stack(list(parts))


def _is_same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors look at the same memory in the same way."""
    return (
        one.data_ptr() == other.data_ptr()
        and one.shape == other.shape
        and one.stride() == other.stride()
        and one.dtype == other.dtype
    )
