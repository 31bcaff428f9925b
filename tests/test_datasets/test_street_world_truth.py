# SPDX-License-Identifier: Apache-2.0
"""StreetWorld's exact truth: depth, pose and flow agree with the pixels."""

import cv2
import numpy as np
import pytest

from mmseg_da.datasets.street_world.frame import StreetSettings
from mmseg_da.datasets.street_world.render import StreetRenderer

MOVERS = (24, 25, 26, 27, 28, 31, 32, 33)
EGO, SKY = 1, 23


@pytest.fixture(scope='module', params=['game', 'real'])
def pairs(request):
    """Frames and their successors without sensor noise."""
    settings = StreetSettings(request.param, (256, 128), sensor_noise=False)
    renderer = StreetRenderer(settings)
    jobs = [(0, 19), (3, 4), (8, 28)]
    return [
        (renderer.render(i, t, with_flow=True), renderer.render(i, t + 1))
        for i, t in jobs
    ]


def pixel_grid(frame):
    height, width = frame.label.shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    return x, y


def moved_points(frame):
    """Points of a static world in the axes of the next camera."""
    x, y = pixel_grid(frame)
    camera = frame.camera
    rays = np.stack(
        [
            (x - camera.cx) / camera.fx,
            (y - camera.cy) / camera.fy,
            np.ones_like(x),
        ],
        axis=-1,
    )
    depth = np.where(np.isinf(frame.depth), 1e12, frame.depth)
    points = rays * depth[..., None].astype(np.float64)
    move = np.linalg.inv(frame.next_pose.matrix) @ frame.pose.matrix
    return points @ move[:3, :3].T + move[:3, 3]


def induced_flow(frame):
    """Flow of a static world from depth, intrinsics and the two poses."""
    x, y = pixel_grid(frame)
    camera, moved = frame.camera, moved_points(frame)
    u = moved[..., 0] / moved[..., 2] * camera.fx + camera.cx - x
    v = moved[..., 1] / moved[..., 2] * camera.fy + camera.cy - y
    return np.stack([u, v], axis=-1)


def warped(values, frame, interpolation):
    """Samples an array of the next frame at this frame's pixels."""
    x, y = pixel_grid(frame)
    where_x = (x + frame.flow[..., 0]).astype(np.float32)
    where_y = (y + frame.flow[..., 1]).astype(np.float32)
    return cv2.remap(values, where_x, where_y, interpolation)


def in_view(frame):
    """Pixels whose target lies inside the next frame."""
    x, y = pixel_grid(frame)
    height, width = frame.label.shape
    u, v = x + frame.flow[..., 0], y + frame.flow[..., 1]
    return (u > 1) & (u < width - 2) & (v > 1) & (v < height - 2)


def test_depth_pose_and_intrinsics_induce_the_flow_of_static_things(pairs):
    for frame, _ in pairs:
        static = ~np.isin(frame.label, (*MOVERS, EGO))
        error = np.abs(induced_flow(frame) - frame.flow)[static]
        assert error.max() < 0.05
        assert np.abs(frame.flow[static]).max() > 2


def test_sky_turns_and_the_hood_stays(pairs):
    for frame, _ in pairs:
        assert np.abs(frame.flow[frame.label == EGO]).max() < 1e-3
        turn = frame.pose.matrix[:3, :3].T @ frame.next_pose.matrix[:3, :3]
        if (frame.label == SKY).any() and np.allclose(turn, np.eye(3), 1e-6):
            assert np.abs(frame.flow[frame.label == SKY]).max() < 1e-3


def test_moving_things_have_their_own_flow(pairs):
    moving = 0
    for frame, _ in pairs:
        things = np.isin(frame.label, MOVERS)
        excess = np.abs(induced_flow(frame) - frame.flow)[things]
        moving += (excess.max(-1) > 0.2).sum()
    assert moving > 100


def test_static_points_stay_where_they_are_unless_hidden(pairs):
    for frame, following in pairs:
        label = warped(following.label, frame, cv2.INTER_NEAREST)
        depth = warped(following.depth, frame, cv2.INTER_NEAREST)
        static = ~np.isin(frame.label, (*MOVERS, EGO, SKY)) & in_view(frame)
        expected = moved_points(frame)[..., 2]
        same = static & (np.abs(depth / expected - 1) < 0.03)
        hidden = static & (depth < 0.97 * expected)
        assert (label == frame.label)[same].mean() > 0.985
        assert same.sum() > 0.75 * static.sum()
        # what is neither the same surface nor hidden by a nearer one: rims
        assert (static & ~same & ~hidden).sum() < 0.08 * static.sum()


def test_flow_of_movers_leads_to_the_same_class(pairs):
    kernel = np.ones((3, 3), np.uint8)
    agree = []
    for frame, following in pairs:
        target = warped(following.label, frame, cv2.INTER_NEAREST)
        for label in MOVERS:
            inner = cv2.erode((frame.label == label).astype(np.uint8), kernel)
            inner = (inner > 0) & in_view(frame)
            agree.append((target == label)[inner])
    agree = np.concatenate(agree)
    # the rest is hidden by something nearer
    assert agree.size > 2000 and agree.mean() > 0.9


def test_warping_the_next_frame_reproduces_this_one(pairs):
    kernel = np.ones((3, 3), np.uint8)
    for frame, following in pairs:
        target = warped(following.image, frame, cv2.INTER_LINEAR)
        label = warped(following.label, frame, cv2.INTER_NEAREST)
        edges = cv2.morphologyEx(frame.label, cv2.MORPH_GRADIENT, kernel)
        keep = in_view(frame) & (label == frame.label) & (edges == 0)
        image = frame.image.astype(np.float64)
        error = np.abs(target - image)[keep].mean()
        still = np.abs(following.image - image)[keep].mean()
        assert keep.mean() > 0.5
        assert error < 4.0
        assert error < 0.75 * still


def test_depth_of_the_road_is_that_of_a_plane(pairs):
    for frame, _ in pairs:
        x, y = pixel_grid(frame)
        camera, pose = frame.camera, frame.pose.matrix
        road = frame.label == 7
        rays = np.stack(
            [(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy], -1
        )
        fall = (
            pose[1, 0] * rays[..., 0] + pose[1, 1] * rays[..., 1] + pose[1, 2]
        )
        height = -pose[1, 3]
        plane = height / fall[road]
        error = np.abs(frame.depth[road] - plane) / plane
        assert np.quantile(error, 0.95) < 0.01
        assert abs(height - camera.camera_height) < 0.02


def test_speed_and_yaw_rate_describe_the_path():
    renderer = StreetRenderer(StreetSettings('real', (96, 48)))
    for time in (0, 19, 29):
        frame = renderer.render(2, time, with_flow=True)
        now, then = frame.pose.matrix, frame.next_pose.matrix
        step = np.linalg.norm((then - now)[[0, 2], 3])
        assert step * 17.0 == pytest.approx(frame.pose.speed, rel=1e-6)
        heading = [np.arctan2(m[0, 2], m[2, 2]) for m in (now, then)]
        # positive to the left, while heading is positive to the right
        assert (heading[0] - heading[1]) * 17.0 == pytest.approx(
            frame.pose.yaw_rate, abs=1e-6
        )
