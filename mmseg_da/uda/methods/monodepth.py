# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor, nn

from ..checks import check_choice
from ..depth_model import DepthModel
from ..video_batch import OFFSETS, VideoBatch, read_video

POSE_SOURCES = ('net', 'vehicle')


@MODELS.register_module()
class MonoDepth(DepthModel):
    """Self-supervised depth from video: the first stage of SDE.

    Hoyer et al., CVPR 2021, after Godard et al., ICCV 2019. A disparity
    network and a pose network are trained so that the neighbour frames,
    warped by predicted depth and motion, look like the image; nothing but
    video is needed. Phase 1 freezes the encoder (its BatchNorm statistics
    still move), phase 2 trains it and keeps its features near those of a
    frozen ImageNet encoder.

    Differences from the reference: both pairs of frames pass the pose net in
    one batch (one BatchNorm update per iteration instead of two); the
    evaluation uses the training depth range (``eval_depth_range`` for the
    reference's (1e-3, 80)). Beyond it: ``pose='vehicle'`` takes the motion
    from speed and yaw rate, ``velocity_weight`` ties the learned one to the
    driven distance.

    Loss keys: ``<branch>.mono.loss_photometric``, ``.loss_smooth``, and, if
    switched on, ``.loss_feature_distance``, ``.loss_velocity``; diagnostics
    ``.moving_ratio``, ``.disp_std``, ``.travel``. Branches: every branch of
    the batch, normally one, is a video branch.

    Checkpoint keys: ``encoder.*``, ``decoder.*``, ``pose_net.*`` and
    ``reference_encoder.*``.

    Args:
        encoder (dict): Config of the encoder, ``ResNetStem``.
        decoder (dict): Config of the decoder, ``DisparityDecoder``.
        pose_net (dict, optional): Config of ``PoseNet``; None with
            ``pose='vehicle'``. Defaults to None.
        pose (str): 'net', or 'vehicle' for the motion of
            ``LoadVehicleMotion``. Defaults to 'net'.
        loss (dict, optional): Config of ``MonoDepthLoss``. Defaults to None,
            the paper's.
        freeze_encoder (bool): Phase 1. Defaults to False.
        feature_distance (dict, optional): Config of ``FeatureDistanceLoss``;
            adds a frozen copy of ``encoder`` that keeps its initial weights.
            Defaults to None, off.
        relative_translation (bool): The pose net predicts translation in
            units of the image's mean depth (Wang et al., CVPR 2018), so that
            far depth cannot stand for no motion. Defaults to False, as
            published.
        velocity_weight (float): Weight of | |t| - driven distance | / driven
            distance, for ``pose='net'``. Defaults to 0, off.
        velocity_iters (int, optional): Iterations with that term. Defaults
            to None, all.
        eval_depth_range (Sequence[float], optional): (min, max) depth of the
            predictions. Defaults to None, those of the loss.
        data_preprocessor (dict, optional): ``MultiBranchDataPreprocessor``
            to RGB in [0, 1] (mean 0, std 255). Defaults to None.
        init_cfg (dict, optional): Weight initialisation. Defaults to None.

    Raises:
        ValueError: If options contradict each other, a batch has no branch
            or no vehicle motion.
    """

    def __init__(
        self,
        encoder: dict,
        decoder: dict,
        pose_net: dict | None = None,
        pose: str = 'net',
        loss: dict | None = None,
        freeze_encoder: bool = False,
        feature_distance: dict | None = None,
        relative_translation: bool = False,
        velocity_weight: float = 0.0,
        velocity_iters: int | None = None,
        eval_depth_range: Sequence[float] | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        _check_options(pose, pose_net, freeze_encoder, feature_distance)
        super().__init__(
            encoder,
            decoder,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )
        self.pose = pose
        self.relative_translation = relative_translation
        self.velocity_weight = velocity_weight
        self.velocity_iters = velocity_iters
        self.pose_net = MODELS.build(pose_net) if pose_net else None
        self.mono_loss = MODELS.build(
            {'type': 'MonoDepthLoss', **(loss or {})}
        )
        self.eval_depth_range = tuple(
            eval_depth_range
            or (self.mono_loss.min_depth, self.mono_loss.max_depth)
        )
        if freeze_encoder:
            self.encoder.requires_grad_(False)
        self.reference_encoder: nn.Module | None = None
        if feature_distance is not None:
            self.feature_distance = MODELS.build(
                {'type': 'FeatureDistanceLoss', **feature_distance}
            )
            self.reference_encoder = MODELS.build(encoder)
            self.reference_encoder.requires_grad_(False)
        # Counts updates for `velocity_iters`; in checkpoints, so resumable.
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))

    def init_weights(self) -> None:
        """Initialise; the frozen copy starts as the encoder."""
        super().init_weights()
        if self.reference_encoder is not None:
            self.reference_encoder.load_state_dict(self.encoder.state_dict())

    def train(self, mode: bool = True) -> MonoDepth:
        """Set the mode; the frozen copy stays in eval mode."""
        super().train(mode)
        if self.reference_encoder is not None:
            self.reference_encoder.eval()
        return self

    def loss(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """L_mono of every branch (+ feature distance, velocity)."""
        losses: dict[str, Tensor] = {}
        for branch, images in inputs.items():
            terms = self.branch_loss(images, data_samples[branch])
            losses.update(add_prefix(terms, f'{branch}.mono'))
        self.steps += 1
        return losses

    def branch_loss(
        self, images: Tensor, samples: Sequence[SegDataSample]
    ) -> dict[str, Tensor]:
        """Losses of one video branch (N, 3, H, W), RGB in [0, 1]."""
        video = read_video(images, samples, OFFSETS, self.decoder.scales)
        features = self.encoder(video.frames[0])
        disparities = self.decoder(features).disparities
        motion = self.motion(video, disparities[0])
        losses = self.mono_loss(disparities, video, motion)
        losses['travel'] = motion[..., :3, 3].detach().norm(dim=-1).mean()
        if self.reference_encoder is not None:
            with torch.no_grad():
                reference = self.reference_encoder(video.frames[0])[-1]
            losses['loss_feature_distance'] = self.feature_distance(
                features[-1], reference
            )
        if self.velocity_weight and self.pose == 'net':
            losses['loss_velocity'] = self._velocity(video, motion)
        return losses

    def motion(self, video: VideoBatch, disparity: Tensor) -> Tensor:
        """Motion to the neighbours, (F, N, 4, 4); see ``pose``.

        Args:
            video (VideoBatch): The frames.
            disparity (Tensor): Of scale 0, (N, 1, H, W), for
                ``relative_translation``.
        """
        if self.pose == 'net':
            frames = video.whole or video.frames
            unit = None
            if self.relative_translation:
                depth = self.mono_loss.depth(disparity.float())
                unit = 1 / (1 / depth).mean((1, 2, 3))
            return self.pose_net.neighbour_poses(frames, video.offsets, unit)
        if video.motion is None:
            raise ValueError(
                "model.pose='vehicle', but the samples have no 'motion'. Add "
                "LoadVehicleMotion and tensor_keys=('motion', ...) to the "
                'training pipeline.'
            )
        return video.motion

    def _velocity(self, video: VideoBatch, motion: Tensor) -> Tensor:
        if video.travel is None:
            raise ValueError(
                f'model.velocity_weight={self.velocity_weight}, but the '
                "samples have no 'travel'. Add LoadVehicleMotion and "
                "tensor_keys=('travel', ...) to the training pipeline, or "
                'set it to 0.'
            )
        driven = video.travel.to(motion)
        length = motion[..., :3, 3].norm(dim=-1)
        # A standing vehicle has no scale to give.
        error = (length - driven).abs() / driven.clamp_min(0.1)
        weight = self.velocity_weight * (driven > 0.1)
        if self.velocity_iters is not None:
            weight = weight * (self.steps < self.velocity_iters)
        return (weight * error).mean()


def _check_options(
    pose: str,
    pose_net: dict | None,
    freeze_encoder: bool,
    feature_distance: dict | None,
) -> None:
    check_choice('model.pose', pose, POSE_SOURCES)
    if (pose == 'net') != (pose_net is not None):
        raise ValueError(
            f'model.pose={pose!r} and model.pose_net={pose_net}: give a '
            "pose_net with pose='net', and pose_net=None with pose='vehicle'"
        )
    if freeze_encoder and feature_distance is not None:
        raise ValueError(
            'model.freeze_encoder=True leaves model.feature_distance '
            'without a gradient; remove one of them'
        )
