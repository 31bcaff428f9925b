# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any, ClassVar

from mmseg.registry import MODELS
from mmseg.utils import add_prefix
from torch import Tensor

from mmseg_da.models.utils import (
    class_probabilities,
    highest_mean,
    segmentor_heads,
    segmentor_logit_losses,
    segmentor_logits,
    self_information,
)

from ..base import BaseUDASegmentor
from ..ramp import WeightRamp


@MODELS.register_module()
class MinEnt(BaseUDASegmentor):
    """Direct entropy minimisation (Vu et al., CVPR 2019, section 3.1).

    The network is trained on the labelled source and, at once, to be sure on
    the target: the normalised entropy of its target predictions is a loss.

    Works with and without an auxiliary head; the cross-entropy weights of the
    paper, 1.0 and 0.1, are the ``loss_weight`` of the heads' losses. The
    source is forwarded before the target, as in the reference (BatchNorm).

    Differences from the reference: one backward for all terms; single-level
    nets work (they crash there); an image without valid pixel gives loss 0
    instead of NaN; ``hard_ratio`` is the paper's MinEnt+ER, which has no
    published code: mean over the kept pixels; ``ramp_iters`` (0: no ramp).

    Loss keys: ``source.decode.loss_ce``, ``source.aux.loss_ce``,
    ``target.decode.loss_ent``, ``target.aux.loss_ent`` (weighted).
    Diagnostics: ``target.entropy`` of all pixels, in [0, 1]. Branches:
    ``source``, ``target``.

    Args:
        entropy_weight_main (float): The paper's lambda of the decode head.
            Defaults to 0.001.
        entropy_weight_aux (float): The same of the auxiliary head.
            Defaults to 0.0002.
        hard_ratio (float): Share of the pixels of each image, those of the
            highest entropy, that count; 0.3 is MinEnt+ER. Defaults to 1.0.
        ramp_iters (int): Iterations over which the weights grow from 0.
            Defaults to 0.
        **base_arguments: Arguments of :class:`BaseUDASegmentor`.

    Raises:
        ValueError: If ``hard_ratio`` is outside (0, 1], or the segmentor has
            several auxiliary heads.
    """

    required_branches: ClassVar[tuple[str, ...]] = ('source', 'target')

    def __init__(
        self,
        entropy_weight_main: float = 0.001,
        entropy_weight_aux: float = 0.0002,
        hard_ratio: float = 1.0,
        ramp_iters: int = 0,
        **base_arguments: Any,
    ) -> None:
        super().__init__(**base_arguments)
        if not 0 < hard_ratio <= 1:
            raise ValueError(
                f'model.hard_ratio={hard_ratio}: expected a share in (0, 1], '
                'e.g. 0.3; 1 counts every pixel'
            )
        self.entropy_weights = {
            'decode': entropy_weight_main,
            'aux': entropy_weight_aux,
        }
        unknown = segmentor_heads(self.segmentor).keys() - self.entropy_weights
        if unknown:
            raise ValueError(
                'MinEnt works with at most one auxiliary_head, got the heads '
                f'{list(segmentor_heads(self.segmentor))}'
            )
        self.hard_ratio = hard_ratio
        self.ramp = WeightRamp(ramp_iters)

    def loss(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """Supervised source loss plus entropy of the target."""
        source = segmentor_logits(self.segmentor, inputs['source'])
        supervised = segmentor_logit_losses(
            self.segmentor, source, data_samples['source']
        )
        target = segmentor_logits(self.segmentor, inputs['target'])
        losses = add_prefix(supervised, 'source')
        ramp = self.ramp()
        for head, logits in target.items():
            entropy = self_information(class_probabilities(logits)).sum(1)
            weight = ramp * self.entropy_weights[head]
            hard = highest_mean(entropy, self.hard_ratio)
            losses[f'target.{head}.loss_ent'] = weight * hard
            if head == 'decode':
                losses['target.entropy'] = entropy.detach().mean()
        return losses
