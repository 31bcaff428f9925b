# SPDX-License-Identifier: Apache-2.0
"""The self-supervised depth loss L_mono, shared by all methods."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_da.models.utils import resize_to
from mmseg_da.models.utils.view_synthesis import (
    disparity_to_depth,
    warp_frames,
)

from .video_batch import VideoBatch


@MODELS.register_module()
class MonoDepthLoss(BaseModule):
    """L_mono: photometric error and smoothness over all scales.

    Every disparity is enlarged to the image, turned into depth and used to
    warp both neighbours onto the image; L_mono is the mean over scales of
    photometric error + smoothness (sheet sec. 5.1; Godard et al., ICCV 2019).
    Everything is computed in fp32, under mixed precision too. The errors of
    the unwarped neighbours do not depend on the scale and are computed once.

    Args:
        min_depth (float): Depth of disparity 1. Defaults to 0.1.
        max_depth (float): Depth of disparity 0. Defaults to 100.
        valid_rows (float): Rows from int(valid_rows * H) on take no part in
            the photometric error: the own car, which always looks infinitely
            far and drags the road before it along. For crops of full height.
            Defaults to 1, all rows, as published.
        photometric (dict, optional): Config of the photometric loss.
            Defaults to None, ``PhotometricLoss`` of the paper.
        smoothness (dict, optional): Config of the smoothness. Defaults to
            None, ``DisparitySmoothnessLoss`` of the paper.
        init_cfg (dict, optional): Not used. Defaults to None.

    Raises:
        ValueError: If the depth range or the valid rows are empty.
    """

    def __init__(
        self,
        min_depth: float = 0.1,
        max_depth: float = 100.0,
        valid_rows: float = 1.0,
        photometric: dict | None = None,
        smoothness: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if not 0 < min_depth < max_depth:
            raise ValueError(
                f'MonoDepthLoss: min_depth={min_depth}, max_depth='
                f'{max_depth}; expected 0 < min_depth < max_depth'
            )
        self.min_depth = min_depth
        if not 0 < valid_rows <= 1:
            raise ValueError(
                f'MonoDepthLoss: valid_rows={valid_rows}; expected a share '
                'of the height in (0, 1]'
            )
        self.max_depth = max_depth
        self.valid_rows = valid_rows
        self.photometric = MODELS.build(
            {'type': 'PhotometricLoss', **(photometric or {})}
        )
        self.smoothness = MODELS.build(
            {'type': 'DisparitySmoothnessLoss', **(smoothness or {})}
        )

    def depth(self, disparity: Tensor) -> Tensor:
        """Depth of a sigmoid disparity, any shape."""
        return disparity_to_depth(disparity, self.min_depth, self.max_depth)

    def forward(
        self,
        disparities: Mapping[int, Tensor],
        video: VideoBatch,
        motion: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of one branch.

        Args:
            disparities (Mapping[int, Tensor]): Scale s -> (N, 1, h, w) in
                (0, 1), of ``video.frames[0]``.
            video (VideoBatch): The frames.
            motion (Tensor): (F, N, 4, 4), image to each neighbour.

        Returns:
            dict[str, Tensor]: ``loss_photometric``, ``loss_smooth``, whose
            sum is L_mono; the diagnostics ``moving_ratio`` (share of the
            pixels of scale 0 that a warped neighbour explains better than
            the neighbours as they are) and ``disp_std`` (of scale 0; near 0
            the net has collapsed).
        """
        device = video.target.device.type
        with torch.autocast(device, enabled=False):
            return self._losses(disparities, video, motion)

    def _losses(
        self,
        disparities: Mapping[int, Tensor],
        video: VideoBatch,
        motion: Tensor,
    ) -> dict[str, Tensor]:
        dtype = torch.promote_types(video.target.dtype, torch.float32)
        target, neighbours = video.target.to(dtype), video.neighbours.to(dtype)
        camera, motion = video.intrinsics.to(dtype), motion.to(dtype)
        rows = int(self.valid_rows * target.shape[-2])
        warped, smooth = [], []
        for scale, disparity in sorted(disparities.items()):
            disparity = disparity.to(dtype)
            level = video.pyramid[scale].to(dtype)
            smooth.append(self.smoothness(disparity, level, scale))
            depth = self.depth(resize_to(disparity, target.shape[-2:]))
            images = warp_frames(neighbours, depth, camera, motion)
            warped.append(images[..., :rows, :])
        errors, shares = self.photometric(
            warped, neighbours[..., :rows, :], target[..., :rows, :]
        )
        return {
            'loss_photometric': torch.stack(errors).mean(),
            'loss_smooth': torch.stack(smooth).mean(),
            'moving_ratio': shares[0],
            'disp_std': disparities[min(disparities)].detach().float().std(),
        }
