# SPDX-License-Identifier: Apache-2.0
"""The PNG files that a ranking writes for every image."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import torch
from torch import Tensor

from mmseg_da.datasets.pseudo_label_files import (
    LABEL_FOLDER,
    encode_label,
    encode_palette_view,
    png_bytes,
)
from mmseg_da.uda.ranking import entropy_map

COLOR_FOLDER = 'color'
ENTROPY_FOLDER = 'entropy'


def label_pictures(
    name: str, labels: Tensor, palette: Sequence[Sequence[int]] | None
) -> dict[str, bytes]:
    """Pseudo label and colour view of an image.

    Args:
        name: Name of the image without suffix.
        labels (Tensor): Train ids (H, W).
        palette: RGB of every class; None for no colour view.

    Returns:
        Relative path -> PNG, mode L and mode P.
    """
    ids = labels.to(torch.uint8).cpu().numpy()
    files = {f'{LABEL_FOLDER}/{name}.png': encode_label(ids)}
    if palette is not None:
        view = encode_palette_view(ids, palette)
        files[f'{COLOR_FOLDER}/{name}_color.png'] = view
    return files


def entropy_picture(name: str, logits: Tensor) -> dict[str, bytes]:
    """Normalised entropy in colour, dark for 0 and yellow for 1.

    Args:
        name: Name of the image without suffix.
        logits (Tensor): (1, C, H, W).

    Returns:
        Relative path -> PNG.
    """
    grey = entropy_map(logits)[0].mul(255).round().clamp(0, 255)
    grey = grey.to(torch.uint8).cpu().numpy()
    bgr = cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)
    return {f'{ENTROPY_FOLDER}/{name}.png': png_bytes(bgr[..., ::-1])}
