# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import warnings
from typing import Any, ClassVar

import torch
from mmengine.dist import all_reduce, broadcast, get_world_size
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_da.models.utils import segmentor_logits
from mmseg_da.models.utils.norm import freeze_bn_statistics

from ..base import BaseUDASegmentor
from ..consistency import (
    POOLINGS,
    VALIDITY_FRAMES,
    class_discount,
    pseudo_labels,
    refine,
    require_finite,
    update_class_prior,
)
from ..sac_checkpoint import adopt_baseline
from ..view_batch import ViewBatch

TEACHER = dict(type='FusedEMA', momentum=0.01, interval=100, buffers='average')
PRIOR_SOURCES = ('all', 'rank0')


@MODELS.register_module()
class SAC(BaseUDASegmentor):
    """SAC (Araslanov and Roth, CVPR 2021): augmentation consistency.

    A momentum network predicts several flipped and zoomed views of a target
    image; the average of its predictions, brought back to every view, gives
    pseudo labels for the student, which sees the same views with photometric
    noise. A running class prior lowers the thresholds of rare classes and
    raises their weight in the loss.

    Training starts from a baseline (``load_from``: an ABN checkpoint, or any
    plain one of the architecture), which initialises student and teacher.
    The student's BatchNorm statistics stay those of the baseline; gamma and
    beta are trained. The student is evaluated.

    Differences from the reference, and the switch that restores it:

    - confidences weight their own pixel; ``target_loss=dict(
      confidence_weight='cross_batch', chunk=2)`` is its broadcast over the
      views of a device (2 for ResNet-101 and FCN, 4 for VGG, 8 on one GPU);
    - the class prior is that of all processes; ``prior_from='rank0'``;
    - the teacher follows every ``interval`` iterations throughout;
      ``teacher=dict(epoch_length=1125)`` restarts the count every epoch (1175
      for SYNTHIA);
    - the views of an image stay on one process, so ``target_images`` is
      divisible by the number of processes;
    - source and target are back-propagated at once (same gradient).

    The validity weight is computed in another frame than it is used in, as
    in the reference's code; ``validity='reference_frame'`` mends it.

    Loss keys: ``source.decode.loss_ce``, ``target.decode.loss_pseudo``
    (weighted). Diagnostics: ``target.pseudo_ratio``, the labelled share of
    the pixels; ``target.confidence``, their mean; ``target.teacher_diff``,
    sum of the L2 distances of teacher and student tensors. Branches:
    ``source``, ``target_views`` (:class:`ConsistencyViews`).

    Args:
        segmentor (dict): Config of the student.
        teacher (dict, optional): Changes to the defaults of the teacher,
            ``FusedEMA`` with momentum 0.01 (weight of the new value) every
            100 iterations, statistics averaged too.
        target_weight (float): Weight of the target loss; 5 for ResNet-101,
            2 for VGG-16 and FCN. Defaults to 5.
        upper_threshold (float): zeta, share of a class's peak confidence
            that a pixel needs. Defaults to 0.75.
        lower_threshold (float): Least threshold; 0.1 for VGG-16 and FCN.
            Defaults to 0.2.
        prior_momentum (float): gamma_chi. Defaults to 0.99.
        prior_scale (float): beta, initial prior and scale of the discount.
            Defaults to 1e-3.
        discount (bool): Whether rare classes have lower thresholds.
            Defaults to True.
        pooling (str, optional): 'average', 'minentropy' or None (the
            teacher's prediction of the view itself). Defaults to 'average'.
        validity (str): 'view_frame' or 'reference_frame', see
            :func:`~mmseg_da.uda.consistency.refine`.
        prior_from (str): 'all' processes or 'rank0'. Defaults to 'all'.
        target_images (int, optional): Target images of an update, all
            processes together; another number is an error. None allows any.
            Defaults to 2.
        require_baseline (bool): Whether training without a loaded checkpoint
            is an error. Defaults to True.
        target_loss (dict, optional): Config of the target loss. Defaults to
            ``FocalConfidenceCELoss``.
        **base_arguments: Other arguments of :class:`BaseUDASegmentor`.

    Raises:
        ValueError: A wrong option; a checkpoint of another architecture; in
            training no baseline, another number of target images, NaN.
    """

    required_branches: ClassVar[tuple[str, ...]] = ('source', 'target_views')

    def __init__(
        self,
        segmentor: dict,
        teacher: dict | None = None,
        target_weight: float = 5.0,
        upper_threshold: float = 0.75,
        lower_threshold: float = 0.2,
        prior_momentum: float = 0.99,
        prior_scale: float = 1e-3,
        discount: bool = True,
        pooling: str | None = 'average',
        validity: str = 'view_frame',
        prior_from: str = 'all',
        target_images: int | None = 2,
        require_baseline: bool = True,
        target_loss: dict | None = None,
        **base_arguments: Any,
    ) -> None:
        super().__init__(
            segmentor=segmentor,
            teacher={**TEACHER, **(teacher or {})},
            **base_arguments,
        )
        if not prior_scale > 0:
            raise ValueError(f'model.prior_scale={prior_scale} must be > 0')
        self.target_weight = target_weight
        self.upper_threshold = _share('upper_threshold', upper_threshold)
        self.lower_threshold = _share('lower_threshold', lower_threshold)
        self.prior_momentum = _share('prior_momentum', prior_momentum)
        self.prior_scale = prior_scale
        self.discount = discount
        self.pooling = _choice('pooling', pooling, (None, *POOLINGS))
        self.validity = _choice('validity', validity, VALIDITY_FRAMES)
        self.prior_from = _choice('prior_from', prior_from, PRIOR_SOURCES)
        self.target_images = target_images
        self.require_baseline = require_baseline
        self.target_loss = MODELS.build(
            {'type': 'FocalConfidenceCELoss', **(target_loss or {})}
        )
        self.register_buffer('class_prior', torch.zeros(self.num_classes))
        self.register_buffer('initialized', torch.zeros((), dtype=torch.long))
        self.has_baseline = False
        self.register_load_state_dict_pre_hook(adopt_baseline)

    def loss(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """Source loss plus the loss on the momentum network's labels."""
        views = ViewBatch.collect(
            inputs['target_views'], data_samples['target_views']
        )
        self.check_start(views)
        self.update_teacher()
        distance = _distance(self.teacher.module, self.segmentor)
        labels, confidence = self.label_views(views)
        losses = self.supervised_loss('source', inputs, data_samples)
        logits = segmentor_logits(self.segmentor, views.noisy)['decode']
        target = self.target_loss(logits, labels, self.class_prior, confidence)
        losses['target.decode.loss_pseudo'] = self.target_weight * target
        labeled = labels != self.target_loss.ignore_index
        losses['target.pseudo_ratio'] = labeled.float().mean()
        losses['target.confidence'] = confidence.mean()
        losses['target.teacher_diff'] = distance
        return losses

    def update_teacher(self) -> None:
        """Copy the student at the first iteration, average when it is due.

        The student has made no step in this iteration yet.
        """
        fresh = self.initialized == 0
        self.class_prior.masked_fill_(fresh, self.prior_scale)
        self.teacher.steps.masked_fill_(fresh, 0)
        self.initialized.fill_(1)
        self.teacher.update_parameters(self.segmentor)

    @torch.no_grad()
    def label_views(self, views: ViewBatch) -> tuple[Tensor, Tensor]:
        """Pseudo labels of the momentum network; updates the class prior.

        Returns:
            tuple[Tensor, Tensor]: Labels, int64 (B, H, W), and confidences,
            (B, H, W) in [0, 1].
        """
        logits = segmentor_logits(self.teacher.module, views.clean)['decode']
        probabilities = logits.float().softmax(1)
        del logits
        self.update_prior(probabilities.mean((0, 2, 3)))
        refined = refine(
            probabilities,
            views.padding,
            views.affine,
            views.affine_inverse,
            views.num_views,
            self.pooling,
            self.validity,
        )
        discount = torch.ones_like(self.class_prior)
        if self.discount:
            discount = class_discount(self.class_prior, self.prior_scale)
        return pseudo_labels(
            refined,
            views.padding,
            discount,
            self.upper_threshold,
            self.lower_threshold,
            self.target_loss.ignore_index,
        )

    def update_prior(self, mean_probability: Tensor) -> None:
        """Take a batch's mean probabilities (C,) into the class prior.

        Raises:
            ValueError: They are not finite; names the Runner's iteration.
        """
        overall = mean_probability.clone()
        if get_world_size() > 1:
            all_reduce(overall, op='mean')
        if self.prior_from == 'rank0':
            broadcast(mean_probability)
        else:
            mean_probability = overall
        require_finite(overall)
        prior = update_class_prior(
            self.class_prior,
            mean_probability,
            self.prior_momentum,
            self.prior_scale,
        )
        self.class_prior.copy_(prior)

    def check_start(self, views: ViewBatch) -> None:
        """Refuse a batch or a start that would train something else.

        Raises:
            ValueError: No baseline was loaded, or the batch has another
                number of target images.
        """
        if self.require_baseline and not self.has_baseline:
            raise ValueError(
                'SAC starts from a baseline: set load_from to an ABN '
                'checkpoint (configs/methods/sac-abn_*), or run all stages '
                'with tools/run_method.py. For experiments from scratch: '
                'model.require_baseline=False'
            )
        world, number = get_world_size(), views.num_views
        images = len(views.noisy) // number
        if self.target_images not in (None, images * world):
            raise ValueError(
                f'SAC: {world} processes with {images} target images of '
                f'{number} views each make {images * world} images an '
                f'update, model.target_images={self.target_images}. The '
                'views of an image stay on one process: share target_images '
                'out by sampler.source_ratio (and batch_size), or set '
                'model.target_images=None to allow any number'
            )
        if number == 1:
            warnings.warn(
                'SAC with one view of each image: there is nothing to be '
                'consistent with; set ConsistencyViews.num_views=4',
                stacklevel=2,
            )

    def train(self, mode: bool = True) -> SAC:
        """Set the mode; BatchNorm statistics of the student stay frozen."""
        super().train(mode)
        freeze_bn_statistics(self.segmentor)
        return self


def _choice(name: str, value: Any, allowed: tuple) -> Any:
    if value not in allowed:
        raise ValueError(f'model.{name}={value!r}; allowed: {allowed}')
    return value


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f'model.{name}={value} is outside [0, 1]')
    return value


@torch.no_grad()
def _distance(one: nn.Module, other: nn.Module) -> Tensor:
    """Sum over parameters and float buffers of the L2 distances."""
    lists = [
        [t for t in (*m.parameters(), *m.buffers()) if t.is_floating_point()]
        for m in (one, other)
    ]
    norms = torch._foreach_norm(torch._foreach_sub(*lists))
    return torch.stack(norms).sum()
