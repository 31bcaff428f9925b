# SPDX-License-Identifier: Apache-2.0
"""From light to grey levels: filter, tone, blur, noise."""

from __future__ import annotations

import cv2
import numpy as np

from .params import Sensor
from .random_streams import between

_LUMA = np.array((0.299, 0.587, 0.114))
#: The grey that contrast leaves alone.
_PIVOT = 0.45


def to_pixels(samples: np.ndarray, rate: int) -> np.ndarray:
    """Averages samples around pixel centres with a tent filter.

    Args:
        samples: float32 ``(3, h', w')``.
        rate: Samples per pixel and axis, 1 or 2.

    Returns:
        float32 ``(h, w, 3)``.
    """
    if rate == 2:
        x = samples
        x = x[:, :-2:2] + x[:, 2::2] + 2 * x[:, 1:-1:2]
        x = x[:, :, :-2:2] + x[:, :, 2::2] + 2 * x[:, :, 1:-1:2]
        samples = x * np.float32(1 / 16)
    return cv2.merge(list(np.ascontiguousarray(samples)))


def _zoom_blur(image: np.ndarray, amount: float) -> np.ndarray:
    """Average with a copy enlarged around the middle (forward motion)."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 0, 1 + amount)
    moved = cv2.warpAffine(
        image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    return 0.5 * (image + moved)


def _tone_matrix(sensor: Sensor, gains: np.ndarray) -> np.ndarray:
    """Gains, saturation and contrast as one 3x4 colour matrix."""
    grey = np.repeat(_LUMA[None], 3, axis=0)
    matrix = grey + sensor.saturation * (np.eye(3) - grey)
    matrix = sensor.contrast * matrix * gains
    offset = np.full((3, 1), _PIVOT * (1 - sensor.contrast))
    return np.hstack([matrix, offset]).astype(np.float32)


def develop(
    light: np.ndarray,
    sensor: Sensor,
    draws: np.ndarray,
    noise: np.random.Generator | None,
) -> np.ndarray:
    """The camera's image.

    Args:
        light: float32 ``(h, w, 3)``, about [0, 1].
        sensor: Parameters.
        draws: float64 ``(4,)`` uniform numbers of this street.
        noise: Generator of this frame's sensor noise, or None for none.

    Returns:
        uint8 ``(h, w, 3)``, RGB.
    """
    height, width = light.shape[:2]
    size = width / 256
    if sensor.motion_blur > 0.01:
        light = _zoom_blur(light, 0.016 * sensor.motion_blur * draws[0])
    if sensor.blur > 0.05:
        light = cv2.GaussianBlur(light, (0, 0), sensor.blur * size**0.5)
    exposure = sensor.exposure + sensor.exposure_spread * between(
        draws[1], -1, 1
    )
    warmth = 0.02 * between(draws[2], -1, 1)
    gains = np.array(sensor.white_balance) * (1 + warmth, 1, 1 - warmth)
    image = cv2.transform(light, _tone_matrix(sensor, exposure * gains))
    if sensor.gamma != 1:
        image = np.clip(image, 0, 1) ** np.float32(sensor.gamma)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)
    edge = np.float32(sensor.vignette / 2) * (x * x + y * y)
    image = image * (1 - edge)[..., None]
    if noise is not None:
        grain = noise.standard_normal(image.shape, dtype=np.float32)
        image += np.float32(sensor.noise) * grain
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
