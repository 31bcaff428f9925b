# SPDX-License-Identifier: Apache-2.0
"""A street as a list of planar patches.

Every surface is a convex polygon with at most eight corners. Its first edge
is the bottom edge seen from outside; texture coordinates ``(u, v)`` are metres
along that edge and perpendicular to it. Within a plane, ``u / z``, ``v / z``
and ``1 / z`` are affine in pixel coordinates, which makes depth exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

CORNERS = 8
NUM_PARAMS = 6


class Kind(IntEnum):
    """Materials."""

    SKY = 0
    ROAD = 1
    SIDEWALK = 2
    TERRAIN = 3
    KERB = 4
    FACADE = 5
    ROOF = 6
    WALL = 7
    FENCE = 8
    FOLIAGE = 9
    POLE = 10
    LIGHT = 11
    SIGN = 12
    PAINT = 13
    CAR_SIDE = 14
    GLASS = 15
    CAR_END = 16
    WHEEL = 17
    COACH = 18
    FIGURE = 19
    PLAIN = 20
    HOOD = 21
    PLANT_BACK = 22


@dataclass(frozen=True)
class Surface:
    """What patches of one group share.

    Args:
        kind: Material.
        label: Cityscapes label id.
        color: RGB in [0, 1].
        params: Material parameters, at most six.
        instance: Object number, 0 for stuff.
        velocity: World velocity in m/s.
        silhouette: Row of the silhouette table that cuts the patch out, or
            -1.
        two_sided: Whether the back is visible too.
    """

    kind: int
    label: int
    color: Sequence[float] = (0.5, 0.5, 0.5)
    params: Sequence[float] = ()
    instance: int = 0
    velocity: Sequence[float] = (0.0, 0.0, 0.0)
    silhouette: int = -1
    two_sided: bool = False


@dataclass(frozen=True)
class Scene:
    """Arrays over the ``n`` patches of a street.

    Args:
        corners: float64 ``(n, 8, 3)``, world metres at the labelled frame.
        kind: int64 ``(n,)``.
        label: uint8 ``(n,)``.
        color: float32 ``(n, 3)``.
        params: float32 ``(n, 6)``.
        instance: uint16 ``(n,)``.
        velocity: float64 ``(n, 3)``, m/s.
        silhouette: int64 ``(n,)``.
        two_sided: bool ``(n,)``.
        attached: bool ``(n,)``, fixed to the camera (corners in camera axes).
        shadows: float64 ``(m, 4, 2)`` footprints in (x, z) metres.
        shadow_height: float64 ``(m,)``, metres.
        shadow_velocity: float64 ``(m, 2)``, m/s.
        figures: float32 ``(f, 8, 3)``, part colours of figures.
        names: one name per object that was placed, e.g. ``'person/3'``.
    """

    corners: np.ndarray
    kind: np.ndarray
    label: np.ndarray
    color: np.ndarray
    params: np.ndarray
    instance: np.ndarray
    velocity: np.ndarray
    silhouette: np.ndarray
    two_sided: np.ndarray
    attached: np.ndarray
    shadows: np.ndarray
    shadow_height: np.ndarray
    shadow_velocity: np.ndarray
    figures: np.ndarray
    names: tuple[str, ...]


class SceneBuilder:
    """Collects patches, shadow casters and figures of a street."""

    def __init__(self) -> None:
        self._groups: list[tuple[np.ndarray, Surface, bool]] = []
        self._shadows: list[tuple[np.ndarray, float, tuple]] = []
        self._figures: list[np.ndarray] = []
        self.names: list[str] = []
        self._instances = 0

    def new_instance(self) -> int:
        """A fresh object number."""
        self._instances += 1
        return self._instances

    def add(
        self, corners: np.ndarray, look: Surface, *, attached: bool = False
    ) -> None:
        """Adds patches ``(n, k, 3)`` (or one ``(k, 3)``), k in 3..8."""
        corners = np.asarray(corners, np.float64)
        if corners.ndim == 2:
            corners = corners[None]
        missing = CORNERS - corners.shape[1]
        if missing:
            last = [corners[:, -1:]] * missing
            corners = np.concatenate([corners, *last], axis=1)
        self._groups.append((corners, look, attached))

    def add_each(
        self, corners: np.ndarray, surfaces: Sequence[Surface]
    ) -> None:
        """Adds patches ``(n, 8, 3)`` with a surface each."""
        for patch, surface in zip(corners, surfaces, strict=True):
            self._groups.append((patch[None], surface, False))

    def add_figure(self, colors: np.ndarray) -> int:
        """Registers part colours ``(8, 3)``; returns their row."""
        self._figures.append(np.asarray(colors, np.float32))
        return len(self._figures) - 1

    def add_shadow(
        self,
        footprint: np.ndarray,
        height: float,
        velocity: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Lets a box with footprint ``(4, 2)`` cast a shadow."""
        self._shadows.append((np.asarray(footprint), height, velocity))

    def finish(self) -> Scene:
        """The arrays."""
        groups = self._groups
        sizes = [len(corners) for corners, _, _ in groups]

        def spread(values: list, dtype: type) -> np.ndarray:
            return np.repeat(np.array(values, dtype), sizes, axis=0)

        looks = [look for _, look, _ in groups]
        params = np.zeros((len(looks), NUM_PARAMS), np.float32)
        for row, look in enumerate(looks):
            params[row, : len(look.params)] = look.params
        figures = self._figures or [np.zeros((8, 3), np.float32)]
        shadows = self._shadows
        return Scene(
            corners=np.concatenate([corners for corners, _, _ in groups]),
            kind=spread([look.kind for look in looks], np.int64),
            label=spread([look.label for look in looks], np.uint8),
            color=spread([look.color for look in looks], np.float32),
            params=np.repeat(params, sizes, axis=0),
            instance=spread([look.instance for look in looks], np.uint16),
            velocity=spread([look.velocity for look in looks], np.float64),
            silhouette=spread([look.silhouette for look in looks], np.int64),
            two_sided=spread([look.two_sided for look in looks], bool),
            attached=spread([fixed for _, _, fixed in groups], bool),
            shadows=np.array([s for s, _, _ in shadows]).reshape(-1, 4, 2),
            shadow_height=np.array([h for _, h, _ in shadows]),
            shadow_velocity=np.array([v for _, _, v in shadows]).reshape(
                -1, 2
            ),
            figures=np.stack(figures),
            names=tuple(self.names),
        )
