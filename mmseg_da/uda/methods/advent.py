# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any, ClassVar

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from mmseg_da.models.utils import (
    class_probabilities,
    mean_entropy,
    segmentor_heads,
    segmentor_logit_losses,
    segmentor_logits,
    self_information,
)

from ..adversarial import GAN_LOSSES, adversarial_losses
from ..base import BaseUDASegmentor
from ..checks import check_choice
from ..ramp import WeightRamp

INPUTS = ('self_info', 'prob')
HEADS = {'main': 'decode', 'aux': 'aux'}


@MODELS.register_module()
class ADVENT(BaseUDASegmentor):
    """AdvEnt (Vu et al., CVPR 2019) and AdaptSegNet (Tsai et al., CVPR 2018).

    A discriminator looks at the weighted self-information maps of source and
    target predictions, and the network learns to make its target maps look
    like source ones; since source predictions are sure, this lowers the
    entropy on the target with its structure in view. AdaptSegNet is
    ``input='prob'``: the discriminator sees the class probabilities.

    One level (``discriminators=dict(main=...)``) or two (``main`` and
    ``aux``, for a segmentor with one auxiliary head). The cross-entropy
    weights of the papers, 1.0 and 0.1, are the ``loss_weight`` of the heads'
    losses. Each domain is forwarded once, source first, so that BatchNorm in
    training mode sees them in the papers' order.

    Differences from the reference: all terms are back-propagated at once (the
    gradients are the same, ``frozen_forward``; peak memory is that of two
    domains, ``segmentor.backbone.with_cp=True`` lowers it); an image without
    valid pixel gives loss 0 instead of NaN; ``adv_weight_*`` may grow over
    ``ramp_iters`` (0 as in the papers: no ramp); both halves of the
    discriminator's loss are logged; the logged generator terms are weighted.

    Loss keys: ``source.decode.loss_ce``, ``source.aux.loss_ce``,
    ``adv.loss_gen_<level>``, ``adv.loss_disc_<level>_source``,
    ``adv.loss_disc_<level>_target``. Diagnostics: ``adv.acc_disc_<level>``
    (0.5 is chance), ``target.entropy`` in [0, 1]. Branches: ``source``,
    ``target``.

    Args:
        input (str): What a discriminator sees: 'self_info' (AdvEnt) or 'prob'
            (AdaptSegNet). Defaults to 'self_info'.
        gan (str): 'bce' or 'lsgan'. Defaults to 'bce'.
        adv_weight_main (float): The papers' lambda of the main level.
            Defaults to 0.001.
        adv_weight_aux (float): The same of the auxiliary level.
            Defaults to 0.0002.
        ramp_iters (int): Iterations over which the weights grow from 0.
            Defaults to 0.
        **base_arguments: Arguments of :class:`BaseUDASegmentor`.

    Raises:
        ValueError: If an option is unknown, or discriminators and heads do
            not match.
    """

    required_branches: ClassVar[tuple[str, ...]] = ('source', 'target')

    def __init__(
        self,
        input: str = 'self_info',
        gan: str = 'bce',
        adv_weight_main: float = 0.001,
        adv_weight_aux: float = 0.0002,
        ramp_iters: int = 0,
        **base_arguments: Any,
    ) -> None:
        super().__init__(**base_arguments)
        check_choice('model.input', input, INPUTS)
        check_choice('model.gan', gan, GAN_LOSSES)
        _check_levels(self)
        self.input = input
        self.gan = gan
        self.adv_weights = {'main': adv_weight_main, 'aux': adv_weight_aux}
        self.ramp = WeightRamp(ramp_iters)

    def loss(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """Supervised source loss plus alignment at every level."""
        source = segmentor_logits(self.segmentor, inputs['source'])
        supervised = segmentor_logit_losses(
            self.segmentor, source, data_samples['source']
        )
        target = segmentor_logits(self.segmentor, inputs['target'])
        losses = add_prefix(supervised, 'source')
        ramp = self.ramp()
        for level, discriminator in self.discriminators.items():
            with torch.no_grad():
                source_maps = self.maps(source[HEADS[level]])
            target_maps = self.maps(target[HEADS[level]])
            terms = adversarial_losses(
                discriminator, source_maps, target_maps, self.gan
            )
            weight = ramp * self.adv_weights[level]
            losses[f'adv.loss_gen_{level}'] = weight * terms['loss_gen']
            for domain in ('source', 'target'):
                key = f'adv.loss_disc_{level}_{domain}'
                losses[key] = terms[f'loss_disc_{domain}']
            losses[f'adv.acc_disc_{level}'] = terms['acc_disc']
            if level == 'main':
                losses['target.entropy'] = self.entropy(target_maps)
        return losses

    def maps(self, logits: Tensor) -> Tensor:
        """What a discriminator sees of logits (N, C, H, W); same shape."""
        probabilities = class_probabilities(logits)
        if self.input == 'prob':
            return probabilities
        return self_information(probabilities)

    @torch.no_grad()
    def entropy(self, maps: Tensor) -> Tensor:
        """Mean normalised entropy behind :meth:`maps`, in [0, 1]."""
        if self.input == 'prob':
            return mean_entropy(maps)
        return maps.mean() * maps.shape[1]


def _check_levels(model: BaseUDASegmentor) -> None:
    """Refuse discriminators that do not match the segmentor's heads."""
    discriminators = getattr(model, 'discriminators', {})
    levels, heads = list(discriminators), segmentor_heads(model.segmentor)
    name = type(model).__name__
    if 'main' not in levels or not set(levels) <= HEADS.keys():
        raise ValueError(
            f'model.discriminators has the levels {levels}; {name} needs '
            "'main' (decode_head) and, for two levels, 'aux' (auxiliary_head)"
        )
    wanted = [HEADS[level] for level in levels]
    if sorted(wanted) != sorted(heads):
        raise ValueError(
            f'model.discriminators has the levels {levels}, but the segmentor '
            f'has the heads {list(heads)}. One level: no auxiliary_head and '
            "only 'main'; two levels: one auxiliary_head (not a list), 'main' "
            "and 'aux'."
        )
    for level, discriminator in discriminators.items():
        channels = getattr(discriminator, 'in_channels', None)
        classes = heads[HEADS[level]].out_channels
        if channels not in (None, classes):
            raise ValueError(
                f'model.discriminators.{level}.in_channels={channels}, but '
                f'its head gives {classes} classes; set it to {classes}'
            )
