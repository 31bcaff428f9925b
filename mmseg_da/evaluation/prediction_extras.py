# SPDX-License-Identifier: Apache-2.0
"""What may be written beside a prediction: soft masks and overlays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_da.datasets.image_files import decode_bgr, read_file
from mmseg_da.utils.files import atomic_write

__all__ = ['overlay', 'soft_mask', 'write_soft_mask']

# SAC's pictures: this much of the image, the rest is colour.
IMAGE_SHARE = 0.3
SOFT_KEY = 'raw'
_TOLERANCE = 1e-4


def soft_mask(sample: Mapping[str, Any]) -> np.ndarray:
    """Class probabilities of a prediction.

    Args:
        sample: Prediction with ``seg_logits`` data (C, H, W) and
            ``pred_sem_seg`` data (1, H, W).

    Returns:
        float32 (C, H, W); sums over the classes are 1.

    Raises:
        ValueError: No logits, or logits that did not make this prediction
            (test-time augmentation averages probabilities).
    """
    name = sample['img_path']
    if 'seg_logits' not in sample:
        raise ValueError(
            f'{name}: no seg_logits, so there are no probabilities to write; '
            'leave soft=True out'
        )
    logits = sample['seg_logits']['data'].detach().float()
    probabilities = logits.softmax(0)
    ids = sample['pred_sem_seg']['data'].to(logits.device).long()
    chosen = probabilities.gather(0, ids)[0]
    if (probabilities.amax(0) - chosen).max() > _TOLERANCE:
        raise ValueError(
            f'{name}: seg_logits do not give this prediction; with test-time '
            'augmentation they are those of one view. Leave --tta or '
            'soft=True out.'
        )
    return probabilities.cpu().numpy()


def write_soft_mask(path: Path, probabilities: np.ndarray) -> None:
    """Write an ``.npz`` with the array ``raw``, as SAC does, atomically."""
    with atomic_write(path) as temporary, temporary.open('wb') as file:
        np.savez_compressed(file, **{SOFT_KEY: probabilities})


def overlay(
    sample: Mapping[str, Any], ids: np.ndarray, palette: np.ndarray
) -> np.ndarray:
    """The image below the colours of its classes, with labels beside it.

    Args:
        sample: Has ``img_path``, and ``gt_sem_seg`` where it is labelled.
        ids: Predicted train ids, uint8 (H, W).
        palette: RGB of every class, uint8 (C, 3).

    Returns:
        uint8 RGB (H, W, 3), or (H, 2 W, 3) with the labels on the right;
        ignored pixels are black.

    Raises:
        ValueError: The image has another size, or cannot be read.
    """
    path = sample['img_path']
    image = decode_bgr(read_file(path), path)[..., ::-1]
    colors = np.zeros((256, 3), np.float32)
    colors[: len(palette)] = palette
    maps = [ids]
    if 'gt_sem_seg' in sample:
        label = sample['gt_sem_seg']['data'].squeeze(0).cpu().numpy()
        maps.append(label.astype(np.uint8))
    for shown in maps:
        if shown.shape != image.shape[:2]:
            raise ValueError(
                f'{path}: image of {image.shape[:2]}, but its prediction or '
                f'label has {shown.shape} (height, width)'
            )
    base = IMAGE_SHARE * image.astype(np.float32)
    pictures = [base + (1 - IMAGE_SHARE) * colors[shown] for shown in maps]
    return np.concatenate(pictures, axis=1).round().astype(np.uint8)
