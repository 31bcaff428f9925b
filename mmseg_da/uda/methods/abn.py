# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_da.models.utils import segmentor_heads

from ..base import BaseUDASegmentor


@MODELS.register_module()
class ABN(BaseUDASegmentor):
    """ABN, the baseline of SAC (Araslanov and Roth, CVPR 2021, sec. 4.1).

    The network learns from the source alone. After each of its steps it
    also sees a batch of target images, in training mode and without
    gradient, so that the running statistics of BatchNorm take in both
    domains (in the long run 47 % source, 53 % target).

    Same as the reference; only its logging of the loss on target labels is
    left out, because target labels are never read. Several processes keep
    statistics of their own unless the config has ``sync_bn='torch'``.

    Loss keys: those of the segmentor on ``source``. Branches: ``source``,
    ``target``. Arguments: those of :class:`BaseUDASegmentor`.
    """

    required_branches = ('source', 'target')
    update_phases: Mapping[str, tuple[str, ...]] = {
        'source': ('source',),
        'target': ('target',),
    }

    def loss(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """Phase 1: source loss. Phase 2: statistics, and nothing to learn."""
        if 'source' in inputs:
            return self.supervised_loss('source', inputs, data_samples)
        self.absorb_statistics(inputs['target'])
        return {}

    @torch.no_grad()
    def absorb_statistics(self, images: Tensor) -> None:
        """Update the running statistics of BatchNorm; no logits are made.

        Args:
            images (Tensor): (N, 3, H, W), preprocessed.
        """
        features = self.segmentor.extract_feat(images)
        for head in segmentor_heads(self.segmentor).values():
            if any(isinstance(m, _BatchNorm) for m in head.modules()):
                head(features)
