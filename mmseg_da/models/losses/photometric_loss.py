# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..utils.window_mean import window_mean

C1 = 0.01**2
C2 = 0.03**2


class WindowStatistics(NamedTuple):
    """Local mean and variance of 3x3 windows, same shape as the image."""

    mean: Tensor
    variance: Tensor


def window_statistics(images: Tensor) -> WindowStatistics:
    """Statistics of images (..., C, H, W) for :func:`ssim_error`."""
    mean = window_mean(images)
    return WindowStatistics(mean, window_mean(images * images) - mean * mean)


def ssim_error(
    images: Tensor,
    target: Tensor,
    target_statistics: WindowStatistics | None = None,
) -> Tensor:
    """Structural dissimilarity clamp((1 - SSIM) / 2, 0, 1) of 3x3 windows.

    Args:
        images (Tensor): (..., N, C, H, W) in [0, 1].
        target (Tensor): (N, C, H, W); leading dimensions are broadcast.
        target_statistics (WindowStatistics, optional): Of the target, when
            it is compared several times. Defaults to None.

    Returns:
        Tensor: Shape of ``images``, in [0, 1]. C1 = 1e-4, C2 = 9e-4.
    """
    y = target_statistics or window_statistics(target)
    x = window_statistics(images)
    covariance = window_mean(images * target) - x.mean * y.mean
    upper = (2 * x.mean * y.mean + C1) * (2 * covariance + C2)
    lower = x.mean * x.mean + y.mean * y.mean + C1
    lower = lower * (x.variance + y.variance + C2)
    return ((1 - upper / lower) / 2).clamp(0, 1)


def photometric_error(
    images: Tensor,
    target: Tensor,
    ssim_weight: float = 0.85,
    target_statistics: WindowStatistics | None = None,
) -> Tensor:
    """0.85 SSIM error + 0.15 absolute difference, means over channels.

    Args:
        images (Tensor): (..., N, C, H, W) in [0, 1].
        target (Tensor): (N, C, H, W).
        ssim_weight (float): 0 leaves the absolute difference alone.
            Defaults to 0.85.
        target_statistics (WindowStatistics, optional): See
            :func:`ssim_error`. Defaults to None.

    Returns:
        Tensor: (..., N, H, W).
    """
    difference = (images - target).abs().mean(-3)
    if not ssim_weight:
        return difference
    structure = ssim_error(images, target, target_statistics).mean(-3)
    return ssim_weight * structure + (1 - ssim_weight) * difference


@MODELS.register_module()
class PhotometricLoss(nn.Module):
    """Minimum photometric error over neighbours, with auto-masking.

    Godard et al., ICCV 2019. At every pixel the least of the errors of the
    warped neighbours and of the neighbours as they are (plus a little noise
    against ties) counts; where the latter win, the pixel carries no
    gradient: it does not move with the camera. The noise is drawn anew per
    scale from torch's generator of the device.

    Args:
        ssim_weight (float): Share of SSIM in the error. Defaults to 0.85.
        use_ssim (bool): False is the variant ``no_ssim``: absolute
            differences alone. Defaults to True.
        automask (bool): False is ``disable_automasking``. Defaults to True.
        average_frames (bool): True is ``avg_reprojection``: mean over
            neighbours instead of the minimum. Defaults to False.
        identity_noise (float): Standard deviation of the noise. Defaults to
            1e-5.
    """

    def __init__(
        self,
        ssim_weight: float = 0.85,
        use_ssim: bool = True,
        automask: bool = True,
        average_frames: bool = False,
        identity_noise: float = 1e-5,
    ) -> None:
        super().__init__()
        self.ssim_weight = ssim_weight if use_ssim else 0.0
        self.automask = automask
        self.average_frames = average_frames
        self.identity_noise = identity_noise

    def forward(
        self, warped: Sequence[Tensor], neighbours: Tensor, target: Tensor
    ) -> tuple[list[Tensor], list[Tensor]]:
        """One loss per scale.

        Args:
            warped (Sequence[Tensor]): Per scale (F, N, C, H, W), the
                neighbours warped to the target, in [0, 1].
            neighbours (Tensor): (F, N, C, H, W), as they are.
            target (Tensor): (N, C, H, W).

        Returns:
            tuple[list[Tensor], list[Tensor]]: Mean error over all pixels, and
            share of the pixels that a warped neighbour won, per scale.
        """
        statistics = window_statistics(target) if self.ssim_weight else None
        identity = None
        if self.automask:
            with torch.no_grad():
                identity = self._error(neighbours, target, statistics)
        losses, shares = [], []
        for images in warped:
            errors = self._error(images, target, statistics)
            best = errors.amin(0)
            if identity is not None:
                noise = torch.randn_like(identity) * self.identity_noise
                still = (identity + noise).amin(0)
                shares.append((best < still).float().mean().detach())
                best = torch.minimum(best, still)
            else:
                shares.append(best.new_ones(()))
            losses.append(best.mean())
        return losses, shares

    def _error(
        self,
        images: Tensor,
        target: Tensor,
        statistics: WindowStatistics | None,
    ) -> Tensor:
        error = photometric_error(images, target, self.ssim_weight, statistics)
        if self.average_frames:
            error = error.mean(0, keepdim=True)
        return error
