# SPDX-License-Identifier: Apache-2.0
"""Ground, plants and plain surfaces: colour of the visible samples.

A material is a function from :class:`Samples` to ``(color, glow)``: float32
``(3, n)`` reflectance and emitted light (or None). Colours are stored by
channel, which numpy handles several times faster than by sample.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from .params import Look
from .scene import Kind, Scene
from .textures import box_blend, lookup, textures

Shaded = tuple[np.ndarray, np.ndarray | None]
Shader = Callable[['Samples'], Shaded]


class Samples:
    """The visible samples of one material.

    Args:
        scene: The street.
        look: Appearance parameters.
        patch: int32 ``(n,)`` patch of each sample.
        depth: float32 ``(n,)``, metres along the optical axis.
        u: float32 ``(n,)``, metres along the patch.
        v: float32 ``(n,)``, metres up the patch.
    """

    def __init__(
        self,
        scene: Scene,
        look: Look,
        patch: np.ndarray,
        depth: np.ndarray,
        u: np.ndarray,
        v: np.ndarray,
    ) -> None:
        self.scene = scene
        self.look = look
        self.patch = patch
        self.depth = depth
        self.u = u
        self.v = v

    @cached_property
    def color(self) -> np.ndarray:
        """Base colours ``(3, n)`` (a fresh array)."""
        return np.take(self.scene.color.T, self.patch, axis=1)

    def param(self, column: int) -> np.ndarray:
        """One material parameter per sample."""
        return self.scene.params[:, column][self.patch]

    @cached_property
    def texture_u(self) -> np.ndarray:
        """Texture coordinate along the patch in metres."""
        return self.u + self.param(4)

    @cached_property
    def texture_v(self) -> np.ndarray:
        """Texture coordinate up the patch in metres."""
        return self.v + self.param(5)

    def grain(self, amount: float, scale: float) -> np.ndarray:
        """Brightness factor ``(n,)`` of two octaves of grain.

        Args:
            amount: Amplitude.
            scale: Size of the grain in metres.
        """
        tables = textures()
        u, v = self.texture_u, self.texture_v
        fine = lookup(tables.grain, u, v, 12.0 / scale)
        broad = lookup(tables.cloud, u, v, 5.0 / scale)
        fade = 1 / (1 + np.float32(0.05) * self.depth)
        return 1 + np.float32(amount) * (1.4 * fine * fade + broad)


def scaled(color: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Colours times one factor per sample, in place."""
    color *= factor
    return color


def blend(color: np.ndarray, other: object, weight: np.ndarray) -> np.ndarray:
    """Moves colours towards another by ``weight`` per sample, in place."""
    other = np.asarray(other, np.float32)
    if other.ndim == 1:
        other = other[:, None]
    color += weight * (other - color)
    return color


def _road(s: Samples) -> Shaded:
    """Asphalt with wheel tracks, lane marks, patches and zebra crossings.

    Parameters: half road width, zebra start (or a huge number), lane offset.
    """
    look = s.look
    x, z = s.texture_u, s.texture_v
    half, zebra = s.param(0), s.param(1)
    factor = s.grain(look.texture, look.texture_scale)
    repair = lookup(textures().cloud, x, z, 1.3)
    factor *= 1 - 0.5 * look.texture * (repair > 0.25)
    inside = np.abs(x)
    lane = half * np.float32(0.5)
    factor *= 1 - 0.06 * np.cos((inside - lane) * np.float32(2 * np.pi / 1.7))
    factor *= 1 - 0.22 * box_blend(inside - half, -0.5, 0.0)
    color = scaled(s.color, factor)
    dash = np.mod(z, np.float32(9.0)) < 4.5
    mark = (inside < 0.075) & dash
    side = np.abs(inside - (half - np.float32(2.15)))
    mark |= (side < 0.06) & (np.mod(z, np.float32(5.0)) < 4.2)
    near_zebra = np.abs(z - zebra)
    stripe = np.mod(x, np.float32(1.0)) < 0.5
    mark |= (near_zebra < 1.6) & stripe & (inside < half - 0.3)
    mark |= (np.abs(z - zebra + 2.9) < 0.2) & (x > 0.1) & (inside < half)
    mark &= s.param(2) < 0.5
    wear = 0.72 + 0.35 * lookup(textures().grain, x, z, 9.0)
    return blend(color, look.mark, mark * wear), None


def _sidewalk(s: Samples) -> Shaded:
    """Paving slabs with joints."""
    look = s.look
    x, z = s.texture_u, s.texture_v
    color = scaled(s.color, s.grain(0.8 * look.texture, look.texture_scale))
    size = np.float32(0.8)
    joint = (np.mod(x, size) < 0.07) | (np.mod(z, size) < 0.07)
    slab = np.floor(x / size) * 3.7 + np.floor(z / size) * 5.3
    tone = np.mod(slab, np.float32(1.0)) - 0.5
    fade = 1 / (1 + 0.06 * s.depth)
    factor = 1 - look.paving * fade * (0.3 * joint - 0.12 * tone)
    return scaled(color, factor), None


def _terrain(s: Samples) -> Shaded:
    """Grass and soil."""
    look = s.look
    tables = textures()
    x, z = s.texture_u, s.texture_v
    tuft = lookup(tables.leaf, x, z, 14.0)
    bare = lookup(tables.cloud, x, z, 7.0)
    color = scaled(s.color, 1 + 0.22 * tuft + 1.2 * look.texture * bare)
    dry = box_blend(bare, 0.1, 0.5) * 0.45
    return blend(color, (0.46, 0.40, 0.28), dry), None


def _kerb(s: Samples) -> Shaded:
    joint = np.mod(s.texture_u, np.float32(1.0)) < 0.05
    return scaled(s.color, s.grain(0.08, 1.0) * (0.8 - 0.25 * joint)), None


def _foliage(s: Samples) -> Shaded:
    """Leaves: clumps lit from above; param 0 is the height of the crown."""
    look = s.look
    tables = textures()
    u, v = s.texture_u, s.texture_v
    clump = lookup(tables.leaf, u, v, 20.0)
    leaf = lookup(tables.grain, u, v, 26.0)
    rise = s.v / s.param(0)
    amount = np.float32(look.foliage_contrast)
    fade = 1 / (1 + 0.02 * s.depth)
    light = 0.62 + 0.55 * rise + amount * fade * (0.55 * clump + 0.5 * leaf)
    color = scaled(s.color, np.maximum(light, 0.2))
    color[0] += 0.05 * amount * np.maximum(clump, 0)
    return color, None


def _plant_back(s: Samples) -> Shaded:
    tone = lookup(textures().cloud, s.texture_u, s.texture_v, 6.0)
    return scaled(s.color, 0.9 + 0.3 * tone), None


def _pole(s: Samples) -> Shaded:
    """Round in shade; param 0 is the width, 1 the lamp at the top."""
    across = s.u / s.param(0) - 0.5
    return scaled(s.color, 1.05 - 1.5 * across * across - 0.35 * across), None


def _plain(s: Samples) -> Shaded:
    color = scaled(s.color, s.grain(0.06, 0.7))
    return scaled(color, 0.72 + 0.28 * box_blend(s.v, 0.0, 0.6)), None


def _hood(s: Samples) -> Shaded:
    """The own vehicle's hood reflects the sky towards its far edge."""
    rise = s.v / s.param(0)
    color = scaled(s.color, 0.7 + 0.5 * rise)
    shine = box_blend(rise, 0.72, 0.95) * 0.35
    return blend(color, s.look.sky_low, shine), None


MATERIAL_SHADERS: dict[Kind, Shader] = {
    Kind.ROAD: _road,
    Kind.SIDEWALK: _sidewalk,
    Kind.TERRAIN: _terrain,
    Kind.KERB: _kerb,
    Kind.FOLIAGE: _foliage,
    Kind.PLANT_BACK: _plant_back,
    Kind.POLE: _pole,
    Kind.PLAIN: _plain,
    Kind.HOOD: _hood,
}
