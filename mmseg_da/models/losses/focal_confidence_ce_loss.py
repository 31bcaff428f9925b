# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

CONFIDENCE_WEIGHTS = ('per_pixel', 'cross_batch', 'none')


@MODELS.register_module()
class FocalConfidenceCELoss(nn.Module):
    """Cross-entropy of pseudo-labels, rare classes and sure pixels first.

    SAC (Araslanov & Roth, CVPR 2021, eq. 6): a pixel of class c weighs
    ``(1 - prior_c) ** focal_power`` times its confidence, and the sum is
    divided by the number of all pixels, ignored ones included. Equal local
    batches on several processes give the loss of one process with all.

    Args:
        focal_power (float): The paper's lambda. Defaults to 3.0.
        confidence_weight (str): 'per_pixel', the paper's formula;
            'cross_batch', what the reference computes by broadcasting: the
            mean confidence of all views of a chunk at the same coordinates;
            'none'. Defaults to 'per_pixel'.
        chunk (int, optional): Views per chunk of 'cross_batch'; the
            reference has as many as lie on one GPU (2 for ResNet-101 on four
            GPUs). Defaults to None, the whole batch.
        ignore_index (int): Label without loss. Defaults to 255.

    Raises:
        ValueError: If an option is unknown, or a batch is no multiple of
            ``chunk``.
    """

    def __init__(
        self,
        focal_power: float = 3.0,
        confidence_weight: str = 'per_pixel',
        chunk: int | None = None,
        ignore_index: int = 255,
    ) -> None:
        super().__init__()
        if confidence_weight not in CONFIDENCE_WEIGHTS:
            raise ValueError(
                f'FocalConfidenceCELoss.confidence_weight='
                f'{confidence_weight!r}; allowed: '
                f'{", ".join(CONFIDENCE_WEIGHTS)}'
            )
        if chunk is not None and chunk < 1:
            raise ValueError(
                f'FocalConfidenceCELoss.chunk={chunk} must be >= 1 or None'
            )
        self.focal_power = focal_power
        self.confidence_weight = confidence_weight
        self.chunk = chunk
        self.ignore_index = ignore_index

    def forward(
        self, logits: Tensor, label: Tensor, prior: Tensor, confidence: Tensor
    ) -> Tensor:
        """Loss of a batch of views.

        Args:
            logits (Tensor): (B, C, H, W); computed in fp32 or higher.
            label (Tensor): (B, H, W) in [0, C) or the ignore index.
            prior (Tensor): (C,) share of each class.
            confidence (Tensor): (B, H, W) in [0, 1].

        Returns:
            Tensor: Scalar.
        """
        dtype = torch.promote_types(logits.dtype, torch.float32)
        focal = (1 - prior.clamp(min=0)).pow(self.focal_power)
        loss = F.cross_entropy(
            logits.to(dtype),
            label,
            weight=focal.to(dtype),
            ignore_index=self.ignore_index,
            reduction='none',
        )
        if self.confidence_weight == 'none':
            return loss.mean()
        if self.confidence_weight == 'cross_batch':
            loss, confidence = self._by_chunk(loss), self._by_chunk(confidence)
        return (loss * confidence).mean()

    def _by_chunk(self, maps: Tensor) -> Tensor:
        """Mean over each chunk, (B / chunk, H, W).

        The mean over all pairs of a chunk factorises, so that no tensor of
        pairs is needed.
        """
        chunk = self.chunk or len(maps)
        if len(maps) % chunk:
            raise ValueError(
                f'FocalConfidenceCELoss.chunk={chunk} does not divide the '
                f'{len(maps)} views of a batch'
            )
        return maps.unflatten(0, (-1, chunk)).mean(1)
