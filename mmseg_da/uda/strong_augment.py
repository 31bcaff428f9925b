# SPDX-License-Identifier: Apache-2.0
"""Colour jitter and blur of mixed images, on their device.

The jitter has the semantics of kornia 0.4.0, which SDE (Hoyer et al., CVPR
2021) used and torchvision does not share: additive brightness and a plain
factor for contrast. kornia's HSV conversion corrupted pixels of value 1; the
one here does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_number, check_range
from .shared_draws import SharedDraws

OPERATIONS = ('brightness', 'contrast', 'saturation', 'hue')


def rgb_to_hsv(image: Tensor) -> Tensor:
    """Hue (turns, in [0, 1)), saturation and value of RGB in [0, 1].

    Args:
        image (Tensor): (N, 3, H, W).

    Returns:
        Tensor: (N, 3, H, W); hue is 0 for grey.
    """
    value, place = image.max(1)
    span = value - image.amin(1)
    red, green, blue = image.unbind(1)
    divisor = span.masked_fill(span == 0, 1)
    sixths = torch.stack(
        [
            (green - blue) / divisor,
            2 + (blue - red) / divisor,
            4 + (red - green) / divisor,
        ],
        1,
    )
    hue = sixths.gather(1, place.unsqueeze(1)).squeeze(1) / 6 % 1
    saturation = span / value.masked_fill(value == 0, 1)
    return torch.stack([hue, saturation, value], 1)


def hsv_to_rgb(image: Tensor) -> Tensor:
    """Inverse of :func:`rgb_to_hsv`; any hue is taken modulo 1.

    Args:
        image (Tensor): (N, 3, H, W): hue in turns, saturation and value in
            [0, 1].

    Returns:
        Tensor: RGB (N, 3, H, W) in [0, 1].
    """
    hue, saturation, value = (part.unsqueeze(1) for part in image.split(1, 1))
    channel = torch.arange(3, dtype=image.dtype, device=image.device)
    start = (5 - 2 * channel).view(1, 3, 1, 1, 1)
    sixths = (start + 6 * hue) % 6
    ramp = torch.minimum(sixths, 4 - sixths).clamp(0, 1)
    return (value - value * saturation * ramp).squeeze(2)


def jitter(image: Tensor, operation: str, factor: Tensor) -> Tensor:
    """One colour operation of kornia 0.4.0.

    Args:
        image (Tensor): (N, 3, H, W), RGB in [0, 1].
        operation (str): 'brightness': ``x + (b - 1)``; 'contrast': ``c x``;
            'saturation': ``s`` in HSV times the factor; 'hue': turned by the
            factor. All clamp to [0, 1].
        factor (Tensor): (N,): b, c, s around 1, or turns around 0.

    Returns:
        Tensor: (N, 3, H, W) in [0, 1].
    """
    factor = factor.view(-1, 1, 1, 1)
    if operation == 'brightness':
        return (image + (factor - 1)).clamp(0, 1)
    if operation == 'contrast':
        return (image * factor).clamp(0, 1)
    hue, saturation, value = rgb_to_hsv(image).split(1, 1)
    if operation == 'saturation':
        saturation = (saturation * factor).clamp(0, 1)
    else:
        hue = hue + factor
    return hsv_to_rgb(torch.cat([hue, saturation, value], 1))


def blur_kernel_size(size: int, fraction: float = 0.1) -> int:
    """Largest odd number <= ceil(fraction * size).

    Args:
        size (int): Height or width in pixels.
        fraction (float): Defaults to 0.1.

    Returns:
        int: Number of taps, at least 1.
    """
    taps = math.ceil(round(fraction * size, 6))
    return max(1, taps - (taps % 2 == 0))


def gaussian_blur(
    image: Tensor, sigma: Tensor, fraction: float = 0.1
) -> Tensor:
    """Separable Gaussian blur with reflect padding.

    Args:
        image (Tensor): (N, C, H, W).
        sigma (Tensor): (N,) standard deviations in pixels.
        fraction (float): See :func:`blur_kernel_size`. Defaults to 0.1.

    Returns:
        Tensor: (N, C, H, W).
    """
    count, channels, height, width = image.shape
    # One group per image and channel: each image has its own kernel.
    flat = image.reshape(1, count * channels, height, width)
    for axis, size in ((2, height), (3, width)):
        taps = blur_kernel_size(size, fraction)
        offsets = torch.arange(taps, device=image.device) - taps // 2
        weight = (-(offsets**2) / (2 * sigma.unsqueeze(1) ** 2)).exp()
        weight = (weight / weight.sum(1, keepdim=True)).to(image.dtype)
        weight = weight.repeat_interleave(channels, 0)
        half = taps // 2
        if axis == 2:
            pad, shape = (0, 0, half, half), (-1, 1, taps, 1)
        else:
            pad, shape = (half, half, 0, 0), (-1, 1, 1, taps)
        flat = F.conv2d(
            F.pad(flat, pad, mode='reflect'),
            weight.view(shape),
            groups=count * channels,
        )
    return flat.view_as(image)


@dataclass(frozen=True)
class AugmentPlan:
    """What is done to each image of a batch.

    Attributes:
        jitter (Tensor): (N,) bool, whether colours are jittered.
        blur (Tensor): (N,) bool, whether the image is blurred.
        factors (Tensor): (N, 4), per image in the order of ``OPERATIONS``.
        order (Tensor): (N, 4) positions in ``OPERATIONS``.
        sigma (Tensor): (N,) in pixels.
    """

    jitter: Tensor
    blur: Tensor
    factors: Tensor
    order: Tensor
    sigma: Tensor


@dataclass(frozen=True)
class StrongAugment:
    """Strong augmentation of mixed images, SDE's settings by default.

    u and v are drawn once per mixing call: jitter if ``u > jitter_above``,
    blur if ``v > blur_above``. A "call" of the paper is a group of
    ``group_size`` images.

    Args:
        jitter_above (float): -1 always jitters, 1 never. Defaults to 0.2.
        blur_above (float): Defaults to 0.5.
        strength (float): Factors lie in 1 +- strength, the hue's turn in
            +- strength. Defaults to 0.25.
        sigma (tuple[float, float]): Range of the blur in pixels. Defaults to
            (0.15, 1.15).
        kernel_fraction (float): Blur taps per image side. Defaults to 0.1.
        group_size (int): Images that share their draws. Defaults to 2.

    Raises:
        ValueError: A value outside its range.
    """

    jitter_above: float = 0.2
    blur_above: float = 0.5
    strength: float = 0.25
    sigma: tuple[float, float] = (0.15, 1.15)
    kernel_fraction: float = 0.1
    group_size: int = 2

    def __post_init__(self) -> None:
        name = 'model.mixing.augment'
        for key, low, high in (
            ('jitter_above', -1, 1),
            ('blur_above', -1, 1),
            ('strength', 0, 1),
            ('kernel_fraction', 0, 1),
            ('group_size', 1, math.inf),
        ):
            check_number(f'{name}.{key}', getattr(self, key), low, high)
        check_range(f'{name}.sigma', self.sigma, 1e-6, math.inf)

    def plan(
        self, draws: SharedDraws, count: int, per_image: bool = False
    ) -> AugmentPlan:
        """Draw what is done to each image.

        Args:
            draws (SharedDraws): The iteration's random numbers.
            count (int): Number of images N.
            per_image (bool): Whether order and sigma are drawn per image
                (SDE's cross-domain mix) or per group. Defaults to False.

        Returns:
            AugmentPlan: On the CPU.
        """
        numbers = draws.uniform(count, 11)
        first = torch.arange(count) // self.group_size * self.group_size
        u, v = numbers[first, 0], numbers[first, 1]
        factors = self.strength * (2 * numbers[:, 2:6] - 1)
        factors[:, :3] += 1
        rest = numbers[:, 6:] if per_image else numbers[first, 6:]
        low, high = self.sigma
        sigma = low + (high - low) * rest[:, 4]
        return self.decide(u, v, factors, rest, sigma)

    def decide(
        self,
        u: Tensor,
        v: Tensor,
        factors: Tensor,
        keys: Tensor,
        sigma: Tensor,
    ) -> AugmentPlan:
        """Plan from drawn numbers; thresholds are strict.

        Args:
            u (Tensor): (N,) decides the jitter.
            v (Tensor): (N,) decides the blur.
            factors (Tensor): (N, 4).
            keys (Tensor): (N, >= 4); sorting the first 4 gives the order.
            sigma (Tensor): (N,).

        Returns:
            AugmentPlan: The plan.
        """
        return AugmentPlan(
            jitter=u > self.jitter_above,
            blur=v > self.blur_above,
            factors=factors,
            order=keys[:, :4].argsort(1),
            sigma=sigma,
        )

    def apply(self, image: Tensor, plan: AugmentPlan) -> Tensor:
        """Carry out a plan.

        Args:
            image (Tensor): (N, 3, H, W), RGB in [0, 1].
            plan (AugmentPlan): One entry per image, on the CPU.

        Returns:
            Tensor: A new tensor (N, 3, H, W) in [0, 1].
        """
        image = image.clone()
        factors = plan.factors.to(image)
        for order in sorted(set(map(tuple, plan.order.tolist()))):
            same = (plan.order == torch.tensor(order)).all(1) & plan.jitter
            rows = same.nonzero().squeeze(1).to(image.device)
            if not len(rows):
                continue
            part = image[rows]
            for place in order:
                part = jitter(part, OPERATIONS[place], factors[rows, place])
            image[rows] = part
        rows = plan.blur.nonzero().squeeze(1).to(image.device)
        if len(rows):
            sigma = plan.sigma.to(image)[rows]
            image[rows] = gaussian_blur(
                image[rows], sigma, self.kernel_fraction
            )
        return image

    @torch.no_grad()
    def apply_normalized(
        self, image: Tensor, plan: AugmentPlan, mean: Tensor, std: Tensor
    ) -> Tensor:
        """Carry out a plan on preprocessed images.

        Args:
            image (Tensor): (N, 3, H, W), ``(x - mean) / std`` with x in
                [0, 255].
            plan (AugmentPlan): See :meth:`apply`.
            mean (Tensor): (3, 1, 1), of the preprocessor.
            std (Tensor): (3, 1, 1), of the preprocessor.

        Returns:
            Tensor: (N, 3, H, W), normalised again.
        """
        mean, std = mean / 255, std / 255
        plain = (image * std + mean).clamp(0, 1)
        with torch.autocast(image.device.type, enabled=False):
            return (self.apply(plain, plan) - mean) / std
