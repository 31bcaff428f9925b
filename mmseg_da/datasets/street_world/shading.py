# SPDX-License-Identifier: Apache-2.0
"""From visible patches to a lit image.

Materials give the surface colour, this module adds sun, shadow on the ground,
glow and haze, and paints the sky.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .facades import FACADE_SHADERS
from .frame import Camera, Pose
from .materials import MATERIAL_SHADERS, Samples
from .objects_look import OBJECT_SHADERS
from .params import Look
from .raster import Projection, SampleGrid
from .scene import Kind, Scene
from .shadows import Light, ShadowMap
from .textures import lookup, textures

_SHADERS = {**MATERIAL_SHADERS, **FACADE_SHADERS, **OBJECT_SHADERS}
_GROUND = (Kind.ROAD, Kind.SIDEWALK, Kind.TERRAIN)


@dataclass(frozen=True)
class View:
    """A scene as one frame's camera sees it.

    Args:
        scene: The street.
        projection: Its patches in this camera.
        inverse: float32 ``(h, w)``, inverse depth of the samples.
        winner: int32 ``(h, w)``, their patches, -1 for sky.
        camera: The camera.
        pose: Its pose.
        time: Frame number.
        grid: The samples.
    """

    scene: Scene
    projection: Projection
    inverse: np.ndarray
    winner: np.ndarray
    camera: Camera
    pose: Pose
    time: int
    grid: SampleGrid


def paint_sky(look: Look, light: Light, rays: np.ndarray) -> np.ndarray:
    """Sky colours ``(3, n)`` for world rays ``(3, n)``."""
    scale = 1 / np.sqrt((rays * rays).sum(0))
    rise = np.clip(-rays[1] * scale, 0.0, 1.0)
    mix = np.sqrt(np.minimum(rise * 2.2, 1.0))
    top = np.float32(look.sky_top)[:, None]
    low = np.float32(look.sky_low)[:, None]
    out = low + mix * (top - low)
    spread = scale * 90 / (rise + np.float32(0.06))
    u = rays[0] * spread + np.float32(light.drift)
    puff = lookup(textures().cloud, u, rays[2] * spread, 1.0)
    puff = np.clip(puff * 2.2 + 0.1, 0, 1) * np.minimum(rise * 6, 1)
    white = np.float32(0.35) * low + np.float32(0.65) * low.max()
    out += (np.float32(look.cloud) * puff) * (white - out)
    return out


def _world_rays(view: View, where: np.ndarray) -> np.ndarray:
    """World directions float32 ``(3, n)`` of flat sample positions."""
    row, column = np.divmod(where, view.grid.shape[1])
    to_ray = np.linalg.inv(view.camera.intrinsics()) @ view.grid.to_pixel()
    turn = (view.pose.matrix[:3, :3] @ to_ray).astype(np.float32)
    x, y = column.astype(np.float32), row.astype(np.float32)
    return np.stack([line[0] * x + line[1] * y + line[2] for line in turn])


def shade(view: View, look: Look, light: Light) -> np.ndarray:
    """Lit colours of all samples.

    Args:
        view: What is visible.
        look: Appearance parameters.
        light: The sun.

    Returns:
        float32 ``(3, h, w)``, about [0, 1].
    """
    winner = view.winner.ravel()
    kinds = np.append(view.scene.kind, int(Kind.SKY)).astype(np.uint8)[winner]
    order = np.argsort(kinds, kind='stable')
    counts = np.bincount(kinds, minlength=len(Kind))
    colors = np.empty((3, winner.size), np.float32)
    sky, solid = np.split(order, [counts[0]])
    if sky.size:
        rays = _world_rays(view, sky)
        colors[:, : sky.size] = paint_sky(look, light, rays)
    _shade_surfaces(view, look, light, solid, counts, colors[:, sky.size :])
    image = np.empty_like(colors)
    for channel, values in zip(image, colors, strict=True):
        channel[order] = values
    return image.reshape(3, *view.grid.shape)


def _shade_surfaces(
    view: View,
    look: Look,
    light: Light,
    where: np.ndarray,
    counts: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fills ``out`` ``(3, n)`` for samples sorted by material."""
    patch = view.winner.ravel()[where]
    depth = 1 / view.inverse.ravel()[where]
    u, v = _coordinates(view, where, patch, depth)
    shadows = ShadowMap(view.scene, look, light, view.pose, view.time)
    facing = np.maximum(view.projection.normals @ light.direction, 0)
    sun = (look.sun * facing).astype(np.float32)[patch]
    base = np.full(patch.size, look.ambient, np.float32)
    ends = np.cumsum(counts) - counts[0]
    for kind in (np.flatnonzero(counts[1:]) + 1).tolist():
        part = slice(ends[kind] - counts[kind], ends[kind])
        samples = Samples(
            view.scene, look, patch[part], depth[part], u[part], v[part]
        )
        color, glow = _SHADERS[Kind(kind)](samples)
        if kind in _GROUND:
            cast, touch = shadows.at(samples.texture_u, samples.texture_v)
            dark = np.float32(look.shadow) * cast
            sun[part] *= np.maximum(1 - np.float32(1.4) * dark, 0)
            base[part] *= 1 - np.float32(0.5) * dark
            base[part] *= 1 - np.float32(look.contact) * touch
        out[:, part] = color * (base[part] + sun[part])
        if glow is not None:
            out[:, part] += glow
    clear = np.exp(depth * np.float32(-look.haze))
    haze = np.float32(look.haze_color)[:, None]
    out *= np.float32(look.sun_color)[:, None]
    out -= haze
    out *= clear
    out += haze


def _coordinates(
    view: View, where: np.ndarray, patch: np.ndarray, depth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Surface coordinates (u, v) in metres of flat sample positions."""
    forms = view.projection.planes.astype(np.float32)
    row, column = np.divmod(where.astype(np.int32), view.grid.shape[1])
    x, y = column.astype(np.float32), row.astype(np.float32)
    result = []
    for line in (0, 1):
        value = forms[:, line, 0][patch] * x
        value += forms[:, line, 1][patch] * y
        value += forms[:, line, 2][patch]
        result.append(value * depth)
    return result[0], result[1]
