# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from mmseg.registry import MODELS
from torch import Tensor

from ..base import BaseUDASegmentor

LABELED_BRANCHES = ('source', 'target_labeled')


@MODELS.register_module()
class SupervisedOnly(BaseUDASegmentor):
    """Plain supervised training: the reference rows of every table.

    Source-only trains on the branch ``source``, the oracle on
    ``target_labeled``, a joint baseline on both. Nothing of the unlabelled
    target is read. AdaBN (Li et al. 2017) is this method with
    ``TargetBNHook``.

    Loss keys: ``<branch>.decode.loss_<kind>`` (and ``<branch>.aux.*``) for
    every labelled branch of the batch. Branches: ``source`` and / or
    ``target_labeled``. Arguments: those of :class:`BaseUDASegmentor`.

    Raises:
        ValueError: If a batch has no labelled branch.
    """

    def loss(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """Sum of the segmentor's losses over the labelled branches."""
        branches = [b for b in LABELED_BRANCHES if b in inputs]
        if not branches:
            raise ValueError(
                f'SupervisedOnly needs one of {LABELED_BRANCHES}; the batch '
                f'has {sorted(inputs)}'
            )
        losses: dict[str, Tensor] = {}
        for branch in branches:
            losses.update(self.supervised_loss(branch, inputs, data_samples))
        return losses
