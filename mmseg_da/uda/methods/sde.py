# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from mmseg_da.models.utils import decode_logits

from ..base import BaseUDASegmentor
from ..mixing import min_max_normalize
from ..pseudo_label import pseudo_label
from ..sde_mixing import (
    MixInput,
    MixOutput,
    mix_source_on_target,
    mix_targets,
)
from ..sde_parts import (
    adopt_depth_checkpoint,
    check_sde_options,
    depth_parts,
    mono_losses,
    scale_losses,
    source_input,
    stack_disparities,
)
from ..sde_settings import MixSettings
from ..shared_draws import SharedDraws


@MODELS.register_module()
class SDE(BaseUDASegmentor):
    """Segmentation helped by self-supervised depth (DepthMix).

    Hoyer et al., "Three Ways to Improve Semantic Segmentation with
    Self-Supervised Depth Estimation", CVPR 2021 (semi-supervised), and
    "Improving Semi-Supervised and Domain-Adaptive Semantic Segmentation with
    Self-Supervised Depth Estimation", IJCV 2023 (with a source domain). A
    mean teacher labels target images; two images are composed so that at
    each pixel the nearer one wins, and the student learns the composed
    labels. Target images are mixed with each other and with source images;
    with ``mono_loss`` segmentation and depth share their network (PADHead).

    Matching geometry is a choice of data (``PairedGeometryDataset``), and so
    is mixing with true labels: ``target`` images that bring labels use them.
    Validation is that of the student. A checkpoint of :class:`MonoDepth`
    loads into encoder, decoders and pose net (``load_from``).

    Differences from the reference: one backward pass of the sum; one teacher
    forward serves both mixes (``share_pseudo_labels=False``: one each, with
    another dropout mask); target images are paired (0, 1), (2, 3), ..., which
    is its (a + 1) mod B for B = 2, and the same in one and several processes.

    Loss keys: ``target_labeled.decode.loss_*``, ``source.decode.loss_*``,
    ``cross_mix.decode.loss_ce``, ``target_mix.decode.loss_ce``, and
    ``<branch>.mono.*`` of :class:`MonoDepthLoss`. Diagnostics:
    ``cross_mix.quality``, ``target_mix.quality`` (confident pixels),
    ``cross_mix.share`` (source pixels), ``target_mix.share`` (pixels that
    stay). Branches: ``target_labeled``; with a mix ``target``; with the
    cross-domain mix ``source``, image i for target image i. A ``source`` is
    always trained on. With ``mono_loss`` the images of ``target_labeled``
    bring video frames.

    Args:
        target_mix (str): Mix of target images with each other: 'depth',
            'class', 'cut', 'identity' (pseudo-labels on augmented images) or
            'off'. Defaults to 'depth'.
        cross_domain_mix (str): Mix of source on target images: 'depth',
            'class' or 'off'. Defaults to 'off'.
        mix_use_gt (bool): Use the labels of ``target`` images that have
            some. Defaults to True.
        mixing (dict, optional): Arguments of :class:`MixSettings`: margins,
            thresholds, normalisation, strong augmentation. Defaults to None,
            the paper's.
        target_mix_weight (float): Factor of that loss. Defaults to 1.0.
        cross_mix_weight (float): Factor of that loss. Defaults to 1.0.
        share_pseudo_labels (bool): See above. Defaults to True.
        mono_loss (dict, optional): Config of :class:`MonoDepthLoss`; needs a
            :class:`PADHead`. Defaults to None, no depth.
        pose_net (dict, optional): Config of :class:`PoseNet`. Defaults to
            None: with ``mono_loss`` the samples bring their ``motion``.
        mono_weight (float): Factor of the depth losses. Defaults to 1.0.
        mono_on_unlabeled (bool): Depth losses on ``target`` too. Defaults to
            False.
        online_depth (bool): Mix by the student's own disparity of the clean
            ``target`` images, stretched to [0, 1] per crop, instead of
            loaded ones; implies ``mono_on_unlabeled``. Defaults to False.
        mix_loss (dict, optional): Loss of mixed images; is given the weight
            of every pixel. Defaults to None, ``PixelCELoss`` with
            ``normalize='all'``.
        teacher_mode (str): As in the base; 'train' is the reference's: batch
            statistics and dropout. Defaults to 'train'.
        **base_arguments: Those of :class:`BaseUDASegmentor`.

    Raises:
        ValueError: If options contradict each other or, in a batch, a
            disparity is missing.
    """

    # The copy that training starts from: step k has alpha k / (k + 1).
    teacher_start: ClassVar[int] = 1

    def __init__(
        self,
        target_mix: str = 'depth',
        cross_domain_mix: str = 'off',
        mix_use_gt: bool = True,
        mixing: dict | None = None,
        target_mix_weight: float = 1.0,
        cross_mix_weight: float = 1.0,
        share_pseudo_labels: bool = True,
        mono_loss: dict | None = None,
        pose_net: dict | None = None,
        mono_weight: float = 1.0,
        mono_on_unlabeled: bool = False,
        online_depth: bool = False,
        mix_loss: dict | None = None,
        teacher_mode: str = 'train',
        **base_arguments: Any,
    ) -> None:
        super().__init__(teacher_mode=teacher_mode, **base_arguments)
        self.target_mix = target_mix
        self.cross_domain_mix = cross_domain_mix
        self.mix_use_gt = mix_use_gt
        self.mixing = MixSettings.from_config(mixing)
        self.target_mix_weight = target_mix_weight
        self.cross_mix_weight = cross_mix_weight
        self.share_pseudo_labels = share_pseudo_labels
        self.mix_loss = MODELS.build(
            mix_loss or {'type': 'PixelCELoss', 'normalize': 'all'}
        )
        self.mono_loss = MODELS.build(mono_loss) if mono_loss else None
        self.pose_net = MODELS.build(pose_net) if pose_net else None
        self.mono_weight = mono_weight
        self.online_depth = online_depth
        self.mono_on_unlabeled = mono_on_unlabeled or online_depth
        check_sde_options(self)
        self.register_load_state_dict_pre_hook(adopt_depth_checkpoint)
        head = self.segmentor.decode_head
        self.unused_parameters = tuple(
            f'segmentor.decode_head.{name}'
            for name in getattr(head, 'unused_parameters', ())
        )

    @property
    def depth_parts(self) -> dict[str, list[str]]:
        """dict[str, list[str]]: As :attr:`DepthModel.depth_parts`."""
        return depth_parts(self)

    @property
    def mixes(self) -> bool:
        """bool: Whether the unlabelled target is used."""
        return (self.target_mix, self.cross_domain_mix) != ('off', 'off')

    @property
    def required_branches(self) -> tuple[str, ...]:
        """tuple[str, ...]: Branches that the chosen mixes read."""
        branches = ['target_labeled']
        if self.mixes or self.mono_on_unlabeled:
            branches.append('target')
        if self.cross_domain_mix != 'off':
            branches.append('source')
        return tuple(branches)

    def loss(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """Losses of labels, of depth, and of both mixes."""
        draws = SharedDraws()
        losses = self._labeled_losses(inputs, data_samples)
        if 'source' in inputs:
            losses |= self.supervised_loss('source', inputs, data_samples)
        disparity, target = None, None
        truth = data_samples.get('target', ()) if self.mix_use_gt else ()
        if self.mono_on_unlabeled:
            disparity, terms = self._learn_depth(inputs, data_samples)
            losses |= terms
        if self.cross_domain_mix != 'off':
            target = self._propose(inputs, data_samples, disparity)
            source = self._source(inputs, data_samples)
            mixed = mix_source_on_target(
                self.cross_domain_mix,
                source,
                target,
                truth,
                self.num_classes,
                self.mixing,
                draws,
            )
            weight = self.cross_mix_weight
            losses |= self._mix_losses('cross_mix', mixed, weight)
        if self.target_mix != 'off':
            if target is None or not self.share_pseudo_labels:
                target = self._propose(inputs, data_samples, disparity)
            mixed = mix_targets(
                self.target_mix,
                target,
                truth,
                self.num_classes,
                self.mixing,
                draws,
            )
            weight = self.target_mix_weight
            losses |= self._mix_losses('target_mix', mixed, weight)
        return losses

    def _labeled_losses(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """Segmentation and, with ``mono_loss``, depth: one forward."""
        branch = 'target_labeled'
        if self.mono_loss is None:
            return self.supervised_loss(branch, inputs, data_samples)
        images, samples = inputs[branch], data_samples[branch]
        head = self.segmentor.decode_head
        tasks = head.forward_tasks(self.segmentor.extract_feat(images))
        losses = add_prefix(
            head.task_losses(tasks, samples), f'{branch}.decode'
        )
        return losses | self._mono_losses(
            branch, tasks.disparities, images, samples
        )

    def _learn_depth(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> tuple[Tensor | None, dict[str, Tensor]]:
        """Disparity of unlabelled images, in [0, 1], and their losses."""
        images, samples = inputs['target'], data_samples['target']
        head = self.segmentor.decode_head
        disparities = head.forward_depth(self.segmentor.extract_feat(images))
        losses = self._mono_losses('target', disparities, images, samples)
        if not self.online_depth:
            return None, losses
        return min_max_normalize(disparities[0].detach().float()), losses

    def _mono_losses(
        self,
        branch: str,
        disparities: Mapping[int, Tensor],
        images: Tensor,
        samples: list,
    ) -> dict[str, Tensor]:
        terms = mono_losses(
            self.mono_loss, self.pose_net, disparities, images, samples
        )
        weighted = scale_losses(terms, self.mono_weight)
        return add_prefix(weighted, f'{branch}.mono')

    @torch.no_grad()
    def _propose(
        self,
        inputs: dict[str, Tensor],
        data_samples: dict[str, list],
        disparity: Tensor | None,
    ) -> MixInput:
        """Target images with the teacher's labels and their disparities."""
        images, samples = inputs['target'], data_samples['target']
        logits = decode_logits(self.teacher.module, images)
        label, confidence = pseudo_label(logits)
        loaded = 'depth' in (self.target_mix, self.cross_domain_mix)
        if loaded and disparity is None:
            disparity = stack_disparities(samples, 'target')
        return MixInput(images, label, confidence, disparity)

    def _source(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> MixInput:
        """Source images with their true labels and disparities."""
        return source_input(
            inputs['source'],
            data_samples['source'],
            with_disparity=self.cross_domain_mix == 'depth',
        )

    def _mix_losses(
        self, name: str, mixed: MixOutput, loss_weight: float
    ) -> dict[str, Tensor]:
        """Weighted cross-entropy, mean over all pixels, ignored ones too."""
        preprocessor = self.data_preprocessor.data_preprocessor
        images = self.mixing.augment.apply_normalized(
            mixed.images, mixed.plan, preprocessor.mean, preprocessor.std
        )
        logits = decode_logits(self.segmentor, images)
        weight = mixed.weight.expand_as(mixed.label)
        loss = self.mix_loss(logits, mixed.label, weight=weight)
        return {
            f'{name}.decode.loss_ce': loss_weight * loss,
            f'{name}.quality': mixed.quality,
            f'{name}.share': mixed.share,
        }
