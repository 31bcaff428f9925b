# SPDX-License-Identifier: Apache-2.0
"""Geometry of self-supervised depth against hand-worked numbers."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmseg_da.models.utils.view_synthesis import (
    axis_angle_rotation,
    disparity_to_depth,
    pose_matrix,
    sampling_grid,
    warp_frames,
)
from mmseg_da.models.utils.window_mean import _WindowMean, window_mean

D = torch.float64
QUARTER = torch.tensor([[0, 0, math.pi / 2]], dtype=D)
SHIFT = torch.tensor([[1, 2, 3]], dtype=D)
CAMERA = torch.tensor([[20.0, 0, 15.5], [0, 22.0, 7.5], [0, 0, 1]], dtype=D)


def test_depth_of_disparity():
    disparity = torch.tensor([0, 0.5, 1], dtype=D)
    expected = torch.tensor([100, 1 / 5.005, 0.1], dtype=D)
    torch.testing.assert_close(disparity_to_depth(disparity), expected)
    assert float(disparity_to_depth(disparity)[1]) == pytest.approx(
        0.19980, abs=5e-6
    )


def test_pose_and_its_inverse():
    forth = pose_matrix(QUARTER, SHIFT)[0]
    back = pose_matrix(QUARTER, SHIFT, invert=True)[0]
    expected = [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
    inverse = [[0, 1, 0, -2], [-1, 0, 0, 1], [0, 0, 1, -3], [0, 0, 0, 1]]
    options = {'rtol': 0, 'atol': 1e-6}
    torch.testing.assert_close(
        forth, torch.tensor(expected, dtype=D), **options
    )
    torch.testing.assert_close(back, torch.tensor(inverse, dtype=D), **options)
    torch.testing.assert_close(
        forth @ back, torch.eye(4, dtype=D), rtol=0, atol=1e-6
    )


def test_rotation_is_orthogonal_and_differentiable_at_zero():
    vectors = torch.randn(5, 3, dtype=D)
    turns = axis_angle_rotation(vectors)
    torch.testing.assert_close(
        turns @ turns.mT,
        torch.eye(3, dtype=D).expand(5, 3, 3),
        atol=1e-6,
        rtol=0,
    )
    zero = torch.zeros(1, 3, requires_grad=True)
    axis_angle_rotation(zero).sum().backward()
    assert torch.isfinite(zero.grad).all()


@pytest.mark.parametrize(
    'low, high, tolerance', [(0.1, 1, 1e-4), (1, 100, 1e-5)]
)
def test_without_motion_a_frame_stays(low, high, tolerance):
    frames = torch.rand(2, 3, 3, 16, 32, dtype=D)
    depth = low + (high - low) * torch.rand(3, 1, 16, 32, dtype=D)
    motion = torch.eye(4, dtype=D).expand(2, 3, 4, 4)
    warped = warp_frames(frames, depth, CAMERA.expand(3, 3, 3), motion)
    torch.testing.assert_close(warped, frames, rtol=0, atol=tolerance)


def test_a_step_to_the_right_moves_pixels_left_by_fx_t_over_z():
    depth = torch.full((1, 1, 16, 32), 4.0, dtype=D)
    motion = torch.eye(4, dtype=D)[None, None].clone()
    motion[..., 0, 3] = -0.6
    grid = sampling_grid(depth, CAMERA[None], motion)[0, 0]
    x = (grid[..., 0] + 1) / 2 * 31
    torch.testing.assert_close(
        x[3], torch.arange(32, dtype=D) - 20 * 0.6 / 4, rtol=0, atol=1e-5
    )


def test_neighbours_keep_their_own_motion():
    frames = torch.rand(2, 1, 3, 16, 32, dtype=D)
    depth = torch.full((1, 1, 16, 32), 5.0, dtype=D)
    motion = torch.eye(4, dtype=D).repeat(2, 1, 1, 1)
    motion[1, :, 2, 3] = -0.5
    both = warp_frames(frames, depth, CAMERA[None], motion)
    for k in range(2):
        alone = warp_frames(
            frames[k : k + 1], depth, CAMERA[None], motion[k : k + 1]
        )
        torch.testing.assert_close(both[k], alone[0])


def test_window_mean_is_reflected_pooling():
    images = torch.rand(2, 3, 5, 7, dtype=D, requires_grad=True)
    padded = F.pad(images, (1, 1, 1, 1), mode='reflect')
    expected = F.avg_pool2d(padded, 3, 1)
    found = window_mean(images)
    torch.testing.assert_close(found, expected)
    weights = torch.rand_like(found)
    torch.testing.assert_close(
        torch.autograd.grad(found, images, weights),
        torch.autograd.grad(expected, images, weights),
    )
    small = torch.rand(1, 2, 2, 3, dtype=D, requires_grad=True)
    assert torch.autograd.gradcheck(_WindowMean.apply, small)
