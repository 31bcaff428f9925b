# SPDX-License-Identifier: Apache-2.0
"""Corner arrays of simple bodies.

Local axes of a body: ``r`` to its right, ``h`` up from its base, ``f``
forward. :func:`place` moves local corners into the world.
"""

from __future__ import annotations

import math

import numpy as np

from .scene import CORNERS

_B, _F = -0.5, 0.5
#: Faces of the unit box: rear, front, right, left, top.
UNIT_BOX = np.array(
    [
        [(_B, 0, _B), (_F, 0, _B), (_F, 1, _B), (_B, 1, _B)],
        [(_F, 0, _F), (_B, 0, _F), (_B, 1, _F), (_F, 1, _F)],
        [(_F, 0, _B), (_F, 0, _F), (_F, 1, _F), (_F, 1, _B)],
        [(_B, 0, _F), (_B, 0, _B), (_B, 1, _B), (_B, 1, _F)],
        [(_B, 1, _B), (_F, 1, _B), (_F, 1, _F), (_B, 1, _F)],
    ]
)


def pad_corners(corners: np.ndarray) -> np.ndarray:
    """Repeats the last corner of ``(..., k, 3)`` up to eight corners."""
    missing = CORNERS - corners.shape[-2]
    if not missing:
        return corners
    last = [corners[..., -1:, :]] * missing
    return np.concatenate([corners, *last], axis=-2)


def place(
    local: np.ndarray, x: float, z: float, heading: float, base: float = 0.0
) -> np.ndarray:
    """Local corners ``(..., 3)`` (r, h, f) to world corners (x, y, z).

    Args:
        local: float64 ``(..., 3)`` in metres.
        x: World x of the body's origin.
        z: World z of the body's origin.
        heading: Direction of ``f``: 0 along the street, positive to the
            right, radians.
        base: Height of the body's base over the road in metres.
    """
    right, up, forward = local[..., 0], local[..., 1], local[..., 2]
    cos, sin = math.cos(heading), math.sin(heading)
    world = np.empty(local.shape)
    world[..., 0] = x + right * cos + forward * sin
    world[..., 1] = -(up + base)
    world[..., 2] = z - right * sin + forward * cos
    return world


def box(width: float, height: float, length: float) -> np.ndarray:
    """Five faces ``(5, 4, 3)`` of a box in local axes."""
    return UNIT_BOX * (width, height, length)


def board(width: float, height: float) -> np.ndarray:
    """An upright rectangle ``(1, 4, 3)`` that faces backwards."""
    half = width / 2
    return np.array(
        [[(-half, 0, 0), (half, 0, 0), (half, height, 0), (-half, height, 0)]]
    )


def ground(x0: float, x1: float, z0: float, z1: float, height: float = 0.0):
    """A horizontal rectangle ``(1, 4, 3)`` in world axes."""
    y = -height
    return np.array([[(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)]])


def footprint(
    x: float, z: float, heading: float, width: float, length: float
) -> np.ndarray:
    """Ground rectangle ``(4, 2)`` of a body in (x, z)."""
    return place(box(width, 0.0, length)[4], x, z, heading)[:, [0, 2]]


def strip(
    rear: tuple[float, float],
    front: tuple[float, float],
    widths: tuple[float, float],
    facing_front: bool = False,
) -> np.ndarray:
    """A cross strip of a body between two points of its side profile.

    Args:
        rear: (f, h) of the rear edge.
        front: (f, h) of the front edge.
        widths: Body widths at the two edges.
        facing_front: Whether the strip is seen from the front, where its
            bottom is the front edge.

    Returns:
        ``(4, 3)`` corners in local axes.
    """
    a, b = widths[0] / 2, widths[1] / 2
    corners = np.array(
        [
            (-a, rear[1], rear[0]),
            (a, rear[1], rear[0]),
            (b, front[1], front[0]),
            (-b, front[1], front[0]),
        ]
    )
    return np.roll(corners, 2, axis=0) if facing_front else corners


def side(
    profile: list[tuple[float, float]],
    widths: list[float],
    right: bool,
) -> np.ndarray:
    """A side face of a body from its profile.

    Args:
        profile: (f, h) points counter-clockwise as seen from the right; the
            first two are the bottom edge from rear to front.
        widths: Body width at each point (must keep the face planar).
        right: Right or left side.

    Returns:
        ``(k, 3)`` corners in local axes.
    """
    sign = 1 if right else -1
    points = np.array(
        [
            (sign * width / 2, h, f)
            for (f, h), width in zip(profile, widths, strict=True)
        ]
    )
    if right:
        return points
    return np.concatenate([points[1::-1], points[:1:-1]])


def wheel(f: float, r: float, radius: float, right: bool) -> np.ndarray:
    """An octagon ``(8, 3)`` at ``f`` on one side of a body."""
    turn = np.radians(-90 - 22.5 + 45 * np.arange(8))
    along = np.cos(turn) * radius * (1 if right else -1)
    height = radius + np.sin(turn) * radius
    return np.stack([np.full(8, r), height, f + along], axis=1)


def wall_quad(
    side: int, x: float, z0: float, z1: float, height: float, base: float = 0.0
) -> np.ndarray:
    """An upright rectangle along the street that faces it, ``(1, 4, 3)``."""
    left, right = (z1, z0) if side > 0 else (z0, z1)
    x, low, high = side * x, -base, -base - height
    return np.array(
        [[(x, low, left), (x, low, right), (x, high, right), (x, high, left)]]
    )
