# SPDX-License-Identifier: Apache-2.0
"""Depth, motion and warping: pure functions on tensors.

Pixel centres lie at whole numbers, the first at 0. Motions are 4x4 matrices
that map homogeneous camera coordinates (x right, y down, z ahead) of the
target frame to those of a neighbour. The formulas are those of Zhou et al.,
CVPR 2017, and Godard et al., ICCV 2019.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_TINY = 1e-7


def disparity_to_depth(
    disparity: Tensor, min_depth: float = 0.1, max_depth: float = 100.0
) -> Tensor:
    """Depth of a sigmoid disparity: 1 / (1/max + (1/min - 1/max) d).

    Args:
        disparity (Tensor): Any shape, in [0, 1]; 1 is nearest.
        min_depth (float): Depth of 1.
        max_depth (float): Depth of 0.

    Returns:
        Tensor: Same shape, in [min_depth, max_depth].
    """
    far, near = 1 / max_depth, 1 / min_depth
    return 1 / (far + (near - far) * disparity)


def axis_angle_rotation(vector: Tensor) -> Tensor:
    """Rotation matrices of axis-angle vectors (Rodrigues).

    Args:
        vector (Tensor): (N, 3) in radians; direction is the axis, length the
            angle. The gradient at 0 is finite.

    Returns:
        Tensor: (N, 3, 3).
    """
    angle = torch.linalg.vector_norm(vector, dim=1, keepdim=True)
    x, y, z = (vector / (angle + _TINY)).unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1)
    cross = cross.view(-1, 3, 3)
    angle = angle[:, :, None]
    identity = torch.eye(3, dtype=vector.dtype, device=vector.device)
    turn = torch.sin(angle) * cross
    return identity + turn + (1 - torch.cos(angle)) * (cross @ cross)


def pose_matrix(
    rotation: Tensor, translation: Tensor, invert: bool = False
) -> Tensor:
    """Rigid motion Trans(t) R, or its inverse R^T Trans(-t).

    Args:
        rotation (Tensor): Axis-angle (N, 3) in radians.
        translation (Tensor): (N, 3).
        invert (bool): Give the inverse. Defaults to False.

    Returns:
        Tensor: (N, 4, 4).
    """
    turn = axis_angle_rotation(rotation)
    shift = translation[:, :, None]
    if invert:
        turn = turn.transpose(1, 2)
        shift = -(turn @ shift)
    # Made on the device: a constant from the host would wait for the GPU.
    last = torch.eye(4, dtype=turn.dtype, device=turn.device)[3:]
    last = last.expand(len(turn), 1, 4)
    return torch.cat([torch.cat([turn, shift], 2), last], 1)


def sampling_grid(depth: Tensor, intrinsics: Tensor, motion: Tensor) -> Tensor:
    """Where every pixel of a frame lies in its neighbours.

    Back-projection and projection in one: ``z K R K^-1 (x, y, 1) + K t``.

    Args:
        depth (Tensor): (N, 1, H, W), positive.
        intrinsics (Tensor): K in pixels, (N, 3, 3), shared by all frames.
        motion (Tensor): (F, N, 4, 4), target to each of F neighbours.

    Returns:
        Tensor: (F, N, H, W, 2) in [-1, 1] inside the image, x first, for
        ``grid_sample(align_corners=True)``.
    """
    height, width = depth.shape[-2:]
    rays = intrinsics @ motion[..., :3, :3]
    rays = rays @ torch.linalg.inv_ex(intrinsics).inverse
    shift = intrinsics @ motion[..., :3, 3:]
    options = {'dtype': depth.dtype, 'device': depth.device}
    y, x = torch.meshgrid(
        torch.arange(height, **options),
        torch.arange(width, **options),
        indexing='ij',
    )
    pixels = torch.stack([x, y, torch.ones_like(x)]).view(3, -1)
    points = (rays @ pixels) * depth.flatten(2) + shift
    points = points[..., :2, :] / (points[..., 2:, :] + _TINY)
    u, v = points.unbind(-2)
    grid = torch.stack([2 * u / (width - 1) - 1, 2 * v / (height - 1) - 1], -1)
    return grid.unflatten(-2, (height, width))


def warp_frames(
    frames: Tensor, depth: Tensor, intrinsics: Tensor, motion: Tensor
) -> Tensor:
    """The target frame as its neighbours show it, all in one call.

    Bilinear sampling, ``align_corners=True``, border pixels repeated.

    Args:
        frames (Tensor): Neighbours (F, N, C, H, W).
        depth (Tensor): Depth of the target, (N, 1, H, W).
        intrinsics (Tensor): K in pixels, (N, 3, 3).
        motion (Tensor): (F, N, 4, 4), target to neighbour.

    Returns:
        Tensor: (F, N, C, H, W).
    """
    grid = sampling_grid(depth, intrinsics, motion)
    warped = F.grid_sample(
        frames.flatten(0, 1),
        grid.flatten(0, 1),
        mode='bilinear',
        padding_mode='border',
        align_corners=True,
    )
    return warped.unflatten(0, frames.shape[:2])
