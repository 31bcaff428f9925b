# SPDX-License-Identifier: Apache-2.0
"""The StreetWorld renderer: streets in, frames with exact truth out."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from .frame import (
    LABELLED_TIME,
    SNIPPET_LENGTH,
    Frame,
    Pose,
    StreetSettings,
)
from .layout import Street, build_street, street_draws
from .motion import rotation_homography
from .presets import get_domain
from .random_streams import stream
from .raster import (
    SampleGrid,
    camera_corners,
    plane_frames,
    project,
    rasterise,
)
from .sensor import develop, to_pixels
from .shading import View, shade
from .silhouettes import silhouettes

_SKY = 23
_KEPT_STREETS = 2


class StreetRenderer:
    """Renders any frame of any street, in any order and process.

    Args:
        settings: Domain, size and seed.

    Raises:
        ValueError: A setting is outside its range.

    Example:
        >>> settings = StreetSettings('game', size=(256, 128), seed=0)
        >>> frame = StreetRenderer(settings).render(7)
        >>> frame.image.shape, frame.label.dtype
        ((128, 256, 3), dtype('uint8'))
    """

    def __init__(self, settings: StreetSettings) -> None:
        _check(settings)
        self.settings = settings
        self.domain = get_domain(settings.preset, settings.gap)
        width, height = settings.size
        self._grid = SampleGrid(width, height, settings.supersample)
        self._streets: OrderedDict[int, Street] = OrderedDict()

    def street(self, index: int) -> Street:
        """The street ``index``; the latest two are kept."""
        if index < 0:
            raise ValueError(f'index={index} is negative; streets start at 0.')
        if index not in self._streets:
            settings = self.settings
            draws = street_draws(settings.seed, settings.preset, index)
            self._streets[index] = build_street(
                self.domain, settings.size, draws, settings.hood
            )
            while len(self._streets) > _KEPT_STREETS:
                self._streets.popitem(last=False)
        return self._streets[index]

    def render(
        self,
        index: int,
        time: int = LABELLED_TIME,
        *,
        with_flow: bool = False,
    ) -> Frame:
        """Renders one frame.

        Args:
            index: Number of the street (the snippet).
            time: Frame of the snippet, 0 to 29; objects are placed for the
                labelled frame, 19.
            with_flow: Whether to compute flow and the next pose.

        Returns:
            Image, labels and truth at the size of the settings.

        Raises:
            ValueError: ``index`` or ``time`` is out of range.
        """
        _check_time(time)
        street, grid = self.street(index), self._grid
        scene, camera = street.scene, street.camera
        pose = street.path.pose(time)
        projection = project(scene, camera, pose, time, grid)
        inverse, winner = rasterise(scene, projection, silhouettes(), grid)
        view = View(
            scene, projection, inverse, winner, camera, pose, time, grid
        )
        colors = shade(view, self.domain.look, street.light)
        image = develop(
            to_pixels(colors, grid.rate),
            self.domain.sensor,
            street.sensor_draws,
            self._noise(index, time),
        )
        patch = grid.centres(winner)
        sky = patch < 0
        depth, flow, next_pose = self._truth(view, patch, street, with_flow)
        return Frame(
            image=image,
            label=np.where(sky, np.uint8(_SKY), scene.label[patch]),
            instance=_numbered(np.where(sky, 0, scene.instance[patch])),
            depth=depth,
            flow=flow,
            camera=camera,
            pose=pose,
            next_pose=next_pose,
        )

    def _noise(self, index: int, time: int) -> np.random.Generator | None:
        settings = self.settings
        if not settings.sensor_noise:
            return None
        return stream(settings.seed, settings.preset, index, 'noise', time)

    def _truth(
        self, view: View, patch: np.ndarray, street: Street, with_flow: bool
    ) -> tuple[np.ndarray, np.ndarray | None, Pose | None]:
        """Depth, flow and next pose at pixel centres, in float64 inside."""
        grid, camera = view.grid, view.camera
        rows, columns = np.indices(patch.shape, dtype=np.float64)
        rows = rows * grid.rate + grid.shift
        columns = columns * grid.rate + grid.shift

        def form(lines: np.ndarray) -> np.ndarray:
            taken = lines[patch]
            return (
                taken[..., 0] * columns
                + taken[..., 1] * rows
                + (taken[..., 2])
            )

        sky = patch < 0
        inverse = np.where(sky, 1.0, form(view.projection.planes[:, 2]))
        depth = np.where(sky, np.inf, 1 / inverse).astype(np.float32)
        if not with_flow:
            return depth, None, None
        pose = street.path.pose(view.time + 1)
        corners = camera_corners(view.scene, pose, view.time + 1)
        maps = camera.intrinsics() @ plane_frames(corners)
        maps = maps @ view.projection.planes
        far = rotation_homography(camera, view.pose, pose) @ grid.to_pixel()
        maps = np.concatenate([maps, far[None]])
        x, y, w = (form(maps[:, row]) for row in range(3))
        # points that pass behind the next camera: far outside its image
        w = np.maximum(w, 0.02)
        u = x / w - (columns - grid.shift) / grid.rate
        v = y / w - (rows - grid.shift) / grid.rate
        flow = np.stack([u, v], axis=-1).astype(np.float32)
        return depth, flow, pose


def _check_time(time: int) -> None:
    if not 0 <= time < SNIPPET_LENGTH:
        raise ValueError(
            f'time={time} is outside 0..{SNIPPET_LENGTH - 1}, the frames '
            'of a snippet.'
        )


def _numbered(instance: np.ndarray) -> np.ndarray:
    """Renumbers the visible objects 1..n, uint16."""
    present = np.unique(instance)
    present = present[present > 0]
    table = np.zeros(int(present.max(initial=0)) + 1, np.uint16)
    table[present] = np.arange(1, present.size + 1)
    return table[instance]


def _check(settings: StreetSettings) -> None:
    width, height = settings.size
    if not (96 <= width <= 2048 and 48 <= height <= 1024):
        raise ValueError(
            f'size={width}x{height} is outside 96x48 to 2048x1024 (width x '
            'height in pixels).'
        )
    if settings.supersample not in (1, 2):
        raise ValueError(
            f'supersample={settings.supersample}; expected 1 or 2 samples '
            'per pixel and axis.'
        )
    if settings.seed < 0:
        raise ValueError(f'seed={settings.seed} is negative; use 0 or more.')
