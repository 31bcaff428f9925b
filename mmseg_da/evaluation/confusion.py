# SPDX-License-Identifier: Apache-2.0
"""Confusion matrices and the scores that are read from them.

Rows are labels, columns are predictions. Everything is counted in int64 and
divided in float64, so scores do not depend on the order of the images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def confusion_matrix(
    pred: Tensor, label: Tensor, num_classes: int, ignore_index: int = 255
) -> Tensor:
    """Count label and prediction pairs with one integer bincount.

    Args:
        pred: Train ids, integer tensor of any shape, in
            [0, num_classes) wherever the label is not ignored.
        label: Train ids or ``ignore_index``, same shape.
        num_classes: Number of classes C.
        ignore_index: Label value that is not counted.

    Returns:
        int64 tensor (C, C) on the device of ``pred``; entry (i, j) is the
        number of pixels with label i and prediction j.

    Raises:
        ValueError: The shapes differ, a tensor is not of integers, or a value
            lies outside the classes.
    """
    if pred.shape != label.shape:
        raise ValueError(
            f'prediction {tuple(pred.shape)} and label {tuple(label.shape)} '
            'differ in size; predictions must be resized to the size of '
            'the label file (ori_shape).'
        )
    for name, tensor in (('prediction', pred), ('label', label)):
        if tensor.is_floating_point() or tensor.is_complex():
            raise ValueError(
                f'{name} must hold integer train ids, got {tensor.dtype}; '
                'take the argmax over the classes first.'
            )
    label, pred = label.to(pred.device).long(), pred.long()
    ignored = label == ignore_index
    label = label.masked_fill(ignored, 0)
    _check_values('label', label, num_classes, f' or {ignore_index} (ignored)')
    if not _inside(pred, num_classes):
        # Under an ignored label any prediction is fine.
        pred = pred.masked_fill(ignored, 0)
        _check_values('prediction', pred, num_classes, '')
    # Ignored pixels go to one more bin: faster than selecting the others.
    joint = label.mul_(num_classes).add_(pred)
    joint.masked_fill_(ignored, num_classes**2)
    counts = torch.bincount(joint.flatten(), minlength=num_classes**2 + 1)
    return counts[:-1].reshape(num_classes, num_classes)


def _inside(ids: Tensor, num_classes: int) -> bool:
    """Whether every id is in [0, num_classes)."""
    if ids.numel() == 0:
        return True
    low, high = ids.aminmax()
    return bool((low >= 0) & (high < num_classes))


def _check_values(name: str, ids: Tensor, num_classes: int, also: str) -> None:
    """Raise when an id is outside [0, num_classes)."""
    if _inside(ids, num_classes):
        return
    low, high = (int(value) for value in ids.aminmax())
    raise ValueError(
        f'{name} holds the value {low if low < 0 else high}, expected '
        f'0..{num_classes - 1}{also}. The class view of the model, of '
        'the data and of the metric must be the same, and raw ids must '
        'be turned into train ids (LoadRawLabels).'
    )


def class_iou(matrix: Tensor) -> Tensor:
    """Intersection over union of every class.

    Args:
        matrix: Confusion matrix (C, C), integers.

    Returns:
        float64 tensor (C,) in [0, 1]; NaN for a class that occurs neither in
        the labels nor in the predictions.
    """
    hit, union = matrix.diagonal(), matrix.sum(0) + matrix.sum(1)
    return _ratio(hit, union - hit)


def class_accuracy(matrix: Tensor) -> Tensor:
    """Share of every class's label pixels that were predicted right.

    Args:
        matrix: Confusion matrix (C, C), integers.

    Returns:
        float64 tensor (C,) in [0, 1]; NaN for a class without label pixels.
    """
    return _ratio(matrix.diagonal(), matrix.sum(1))


def pixel_accuracy(matrix: Tensor) -> float:
    """Share of all counted pixels that were predicted right, in [0, 1].

    NaN when nothing was counted.
    """
    return float(_ratio(matrix.diagonal().sum(), matrix.sum()))


def subset_mean(values: Tensor, indices: Sequence[int] | None = None) -> float:
    """Mean over the classes of a subset, classes that are NaN left out.

    Args:
        values: One value per class, (C,).
        indices: Train ids of the subset; None takes all classes.

    Returns:
        The mean; NaN when no class of the subset occurs.
    """
    if indices is not None:
        values = values[list(indices)]
    return float(values.double().nanmean())


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Divide counts in float64; 0 / 0 is NaN."""
    return part.double() / whole.double()
