# SPDX-License-Identifier: Apache-2.0
"""Parts of SDE: what it refuses, depth losses, disparities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmseg_da.models.decode_heads import DisparityDecoder

from .checks import check_choice, check_number
from .sde_mixing import CROSS_MIXES, TARGET_MIXES, MixInput
from .video_batch import read_video

if TYPE_CHECKING:
    from .methods.sde import SDE


def check_sde_options(model: SDE) -> None:
    """Check the built model.

    Raises:
        ValueError: If options contradict each other; says what to change.
    """
    off = ('off',)
    check_choice('model.target_mix', model.target_mix, off + TARGET_MIXES)
    check_choice(
        'model.cross_domain_mix', model.cross_domain_mix, off + CROSS_MIXES
    )
    for name in ('target_mix_weight', 'cross_mix_weight', 'mono_weight'):
        check_number(f'model.{name}', getattr(model, name), 0, math.inf)
    for name in ('mix_use_gt', 'share_pseudo_labels', 'online_depth'):
        if not isinstance(getattr(model, name), bool):
            raise ValueError(
                f'model.{name}={getattr(model, name)!r}: expected True or '
                'False'
            )
    _check_teacher(model)
    _check_depth(model)


def _check_teacher(model: SDE) -> None:
    if model.mixes and model.teacher is None:
        raise ValueError(
            f'model.target_mix={model.target_mix!r} and cross_domain_mix='
            f'{model.cross_domain_mix!r} need a teacher; set model.teacher='
            "dict(type='FusedEMA', gamma=1, momentum=0.01, buffers='keep') "
            "and the MeanTeacherHook, or set both mixes to 'off'"
        )
    if (
        model.teacher is not None
        and model.teacher_mode == 'eval'
        and model.teacher.buffer_policy == 'keep'
    ):
        raise ValueError(
            "model.teacher_mode='eval' with model.teacher.buffers='keep': "
            'the teacher would normalise with the statistics it started '
            "with. Set teacher.buffers='copy', or teacher_mode="
            "'train_no_dropout'"
        )


def _check_depth(model: SDE) -> None:
    head = model.segmentor.decode_head
    multi_task = hasattr(head, 'forward_tasks')
    if multi_task and model.mono_loss is None:
        raise ValueError(
            f'model.segmentor.decode_head is a {type(head).__name__}, whose '
            'depth part only learns with model.mono_loss='
            "dict(type='MonoDepthLoss'); set it, or use JointSegDepthHead"
        )
    if model.mono_loss is not None and not multi_task:
        raise ValueError(
            'model.mono_loss needs a head that predicts disparity, got '
            f"{type(head).__name__}; use decode_head=dict(type='PADHead', "
            '...) or remove mono_loss'
        )
    if model.mono_loss is None and model.mono_on_unlabeled:
        name = 'online_depth' if model.online_depth else 'mono_on_unlabeled'
        raise ValueError(
            f'model.{name}=True needs model.mono_loss: without it the network '
            "learns no depth. Set mono_loss=dict(type='MonoDepthLoss'), or "
            f'{name}=False to mix by loaded disparities'
        )
    if model.mono_loss is None and model.pose_net is not None:
        raise ValueError(
            'model.pose_net is set, but nothing trains it; set '
            "model.mono_loss=dict(type='MonoDepthLoss') or remove it"
        )


def depth_parts(model: SDE) -> dict[str, list[str]]:
    """Parts of a depth network and the modules that start from them.

    Its encoder becomes the segmentor's backbone, its decoder every disparity
    decoder of the head, its pose net the pose net, if there is one.
    """
    head = model.segmentor.decode_head
    parts = {
        'encoder': ['segmentor.backbone'],
        'decoder': [
            f'segmentor.decode_head.{name}'
            for name, child in head.named_children()
            if isinstance(child, DisparityDecoder)
        ],
    }
    if model.pose_net is not None:
        parts['pose_net'] = ['pose_net']
    return parts


def adopt_depth_checkpoint(
    module: SDE, state_dict: dict[str, Tensor], prefix: str, *_: object
) -> None:
    """Start from a depth network (:class:`MonoDepth`): a load hook.

    Its parts go where :func:`depth_parts` says; those that the model does not
    have are dropped. The teacher copies the student when training starts.
    """
    if not any(k.startswith(f'{prefix}encoder.') for k in state_dict):
        return
    targets = depth_parts(module)
    for key in list(state_dict):
        part, _, name = key[len(prefix) :].partition('.')
        if key.startswith(prefix):
            value = state_dict.pop(key)
            for target in targets.get(part, []):
                state_dict[f'{prefix}{target}.{name}'] = value


def mono_losses(
    loss: nn.Module,
    pose_net: nn.Module | None,
    disparities: Mapping[int, Tensor],
    images: Tensor,
    samples: Sequence,
) -> dict[str, Tensor]:
    """L_mono of a branch.

    Args:
        loss (nn.Module): :class:`MonoDepthLoss`.
        pose_net (nn.Module, optional): :class:`PoseNet`; None if the samples
            bring their motion.
        disparities (Mapping[int, Tensor]): Scale -> (N, 1, h, w).
        images (Tensor): (N, 3, H, W) in [0, 1].
        samples (Sequence): N samples with frames and camera.

    Returns:
        dict[str, Tensor]: Losses and diagnostics.

    Raises:
        ValueError: If there is neither pose net nor motion, or a frame or
            the camera is missing.
    """
    video = read_video(images, samples, scales=sorted(disparities))
    if pose_net is not None:
        frames = video.whole or video.frames
        motion = pose_net.neighbour_poses(frames, video.offsets)
        return loss(disparities, video, motion)
    if video.motion is None:
        raise ValueError(
            'model.mono_loss is set without model.pose_net, but the samples '
            'bring no motion; give a pose_net, or add LoadVehicleMotion and '
            "pack tensor_keys=('motion', ...)"
        )
    return loss(disparities, video, video.motion)


def scale_losses(
    terms: Mapping[str, Tensor], weight: float
) -> dict[str, Tensor]:
    """Multiply the losses, not the diagnostics."""
    return {
        name: weight * value if 'loss' in name else value
        for name, value in terms.items()
    }


def stack_disparities(samples: Sequence, branch: str) -> Tensor:
    """Disparities (N, 1, H, W) that the samples of a branch bring, fp32.

    Raises:
        ValueError: If a sample has none.
    """
    for sample in samples:
        if 'disparity' not in sample:
            raise ValueError(
                f'{sample.metainfo.get("img_path")} of {branch!r} has no '
                'disparity. Load it before flip and crop '
                '(LoadDisparityArtifact or LoadExactDisparity) and pack it: '
                "dict(type='PackUDAInputs', pixel_keys=('disparity',))"
            )
    return torch.stack([sample.disparity.data for sample in samples]).float()


def source_input(
    images: Tensor, samples: Sequence, with_disparity: bool
) -> MixInput:
    """Source images with their true labels, of confidence 1.

    Args:
        images (Tensor): (N, 3, H, W).
        samples (Sequence): N samples with ``gt_sem_seg``.
        with_disparity (bool): Whether they have to bring disparities.

    Returns:
        MixInput: See there.
    """
    label = torch.stack([sample.gt_sem_seg.data[0] for sample in samples])
    disparity = None
    if with_disparity:
        disparity = stack_disparities(samples, 'source')
    return MixInput(images, label, torch.ones_like(images[:, 0]), disparity)
