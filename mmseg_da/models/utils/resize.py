# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def resize_to(
    maps: Tensor, size: Sequence[int], align_corners: bool = False
) -> Tensor:
    """Bilinear resize; maps of that size are returned as they are.

    Args:
        maps (Tensor): (N, C, h, w).
        size (Sequence[int]): (H, W).
        align_corners (bool): As in ``F.interpolate``. Defaults to False.

    Returns:
        Tensor: (N, C, H, W).
    """
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return F.interpolate(
        maps, size=tuple(size), mode='bilinear', align_corners=align_corners
    )
