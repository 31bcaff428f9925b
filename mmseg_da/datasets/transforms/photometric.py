# SPDX-License-Identifier: Apache-2.0
"""Photometric noise on Pillow images, pixel for pixel as the papers draw it.

OpenCV's colour conversions and blur round differently, so published results
with Pillow pipelines are reproduced with Pillow. Random numbers come from
NumPy's generator, which the suite seeds per draw.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from PIL import Image, ImageFilter
from torchvision.transforms import functional as tvf

__all__ = [
    'PillowColorJitter',
    'PillowGaussianBlur',
    'PillowGreyscale',
    'PillowTransform',
    'bgr_to_pillow',
    'check_probability',
    'check_range',
]


def bgr_to_pillow(image: np.ndarray) -> Image.Image:
    """Pillow RGB image of a uint8 BGR array (H, W, 3)."""
    return Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def check_probability(owner: str, key: str, value: float) -> float:
    """Return a probability, or raise ValueError naming the argument."""
    if not 0 <= value <= 1:
        raise ValueError(f'{owner}: {key}={value} is outside [0, 1]')
    return float(value)


def check_range(
    owner: str, key: str, values: tuple[float, float], least: float
) -> tuple[float, float]:
    """Return (low, high) with least <= low <= high, or raise ValueError."""
    ordered = len(values) == 2 and least <= values[0] <= values[1]
    if not ordered:
        raise ValueError(
            f'{owner}: {key}={values!r}; expected (low, high) with '
            f'{least} <= low <= high'
        )
    return float(values[0]), float(values[1])


class PillowTransform(BaseTransform):
    """Change ``img`` (uint8 BGR (H, W, 3)) with probability ``prob``.

    Transforms that go on with a Pillow image, such as
    :class:`ConsistencyViews`, call :meth:`apply` and save the conversions.

    Args:
        prob: Probability in [0, 1] that anything happens.

    Raises:
        ValueError: A probability outside [0, 1].
    """

    def __init__(self, prob: float = 1.0) -> None:
        self.prob = check_probability(type(self).__name__, 'prob', prob)

    def transform(self, results: dict) -> dict:
        """Change ``results['img']``; everything else stays."""
        if self._skip():
            return results
        image = np.asarray(self.change(bgr_to_pillow(results['img'])))
        results['img'] = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        return results

    def apply(self, image: Image.Image) -> Image.Image:
        """The same on a Pillow RGB image."""
        return image if self._skip() else self.change(image)

    def _skip(self) -> bool:
        return np.random.random_sample() >= self.prob

    @abstractmethod
    def change(self, image: Image.Image) -> Image.Image:
        """Draw the parameters and change a Pillow RGB image."""


@TRANSFORMS.register_module()
class PillowColorJitter(PillowTransform):
    """Brightness, contrast, saturation and hue, in random order.

    torchvision's ``ColorJitter`` on a Pillow image. Factors are U(1 - x,
    1 + x) for brightness, contrast and saturation (not below 0); the hue
    turns by U(-hue, hue) of the colour circle. A strength of 0 leaves its
    step out.

    Args:
        brightness, contrast, saturation: Strengths >= 0.
        hue: Strength in [0, 0.5].
        prob: Probability of the whole jitter.

    Raises:
        ValueError: A strength or the probability is out of range.
    """

    def __init__(
        self,
        brightness: float = 0.4,
        contrast: float = 0.4,
        saturation: float = 0.4,
        hue: float = 0.1,
        prob: float = 0.5,
    ) -> None:
        super().__init__(prob)
        strengths = dict(
            brightness=brightness,
            contrast=contrast,
            saturation=saturation,
            hue=hue,
        )
        for key, value in strengths.items():
            most = 0.5 if key == 'hue' else np.inf
            if not 0 <= value <= most:
                raise ValueError(
                    f'PillowColorJitter: {key}={value} is outside [0, {most}]'
                )
        self.strengths = strengths

    def change(self, image: Image.Image) -> Image.Image:
        """Draw order and factors, then change the image."""
        steps = self.draw_steps()
        for step, factor in steps:
            image = step(image, factor)
        return image

    def draw_steps(self) -> list[tuple[Callable, float]]:
        """torchvision functions with their factors, in the drawn order."""
        steps = []
        for key, strength in self.strengths.items():
            if strength == 0:
                continue
            centre = 0.0 if key == 'hue' else 1.0
            low, high = centre - strength, centre + strength
            if key != 'hue':
                low = max(low, 0.0)
            factor = np.random.uniform(low, high)
            steps.append((getattr(tvf, f'adjust_{key}'), factor))
        return [steps[i] for i in np.random.permutation(len(steps))]

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.strengths}, prob={self.prob})'


@TRANSFORMS.register_module()
class PillowGaussianBlur(PillowTransform):
    """Pillow's Gaussian blur of a random radius.

    Args:
        radius: Least and largest standard deviation in pixels; uniform.
        prob: Probability.

    Raises:
        ValueError: A bad range or probability.
    """

    def __init__(
        self, radius: tuple[float, float] = (0.1, 2.0), prob: float = 1.0
    ) -> None:
        super().__init__(prob)
        self.radius = check_range('PillowGaussianBlur', 'radius', radius, 0)

    def change(self, image: Image.Image) -> Image.Image:
        """Draw the radius and blur."""
        radius = np.random.uniform(*self.radius)
        return image.filter(ImageFilter.GaussianBlur(radius=radius))

    def __repr__(self) -> str:
        return f'{type(self).__name__}(radius={self.radius}, prob={self.prob})'


@TRANSFORMS.register_module()
class PillowGreyscale(PillowTransform):
    """The luma of ITU-R 601 in all three channels.

    Args:
        prob: Probability.

    Raises:
        ValueError: A bad probability.
    """

    def __init__(self, prob: float = 0.2) -> None:
        super().__init__(prob)

    def change(self, image: Image.Image) -> Image.Image:
        """Drop the colour."""
        return Image.merge('RGB', [image.convert('L')] * 3)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(prob={self.prob})'
