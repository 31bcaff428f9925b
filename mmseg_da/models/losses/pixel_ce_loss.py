# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce, get_world_size
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class PixelCELoss(nn.Module):
    """Pixel-wise cross-entropy with the semantics of ``F.cross_entropy``.

    mmseg's own ``CrossEntropyLoss`` divides by ignored pixels as well, or
    fails with class weights (``IndexError``); this one is torch's: the mean
    over valid pixels, weighted by class when class weights are given. With
    per-pixel weights (pseudo-label confidence) the weighted sum is divided by
    the number of valid pixels, so that low confidence lowers the loss
    (``normalize='valid'``) or by the sum of the weights
    (``normalize='weight'``). ``normalize='all'`` divides by the number of all
    pixels, ignored ones included, whatever the weights (SAC, Araslanov & Roth
    2021; mmseg's ``CrossEntropyLoss(avg_non_ignore=False)``).

    Under several processes the denominator is averaged over them, so that N
    processes of batch B and one process of batch N * B give the same
    gradient.

    Args:
        class_weight (Sequence[float] | str, optional): One weight per class,
            or a text file with one per line. Defaults to None.
        reduction (str): 'mean', 'sum' (FCN-style) or 'none' ((N, H, W), zero
            where ignored). Defaults to 'mean'.
        normalize (str): Denominator of 'mean': 'valid' pixels; with pixel
            weights 'weight', their sum; 'all' pixels. Defaults to 'valid'.
        ignore_index (int): Label without loss. Defaults to 255.
        loss_weight (float): Factor of the result. Defaults to 1.0.
        loss_name (str): Log key, must start with ``loss_``.
            Defaults to 'loss_ce'.

    Raises:
        ValueError: If an option is unknown or the number of class weights is
            not the number of logit channels.
    """

    def __init__(
        self,
        class_weight: Sequence[float] | str | None = None,
        reduction: str = 'mean',
        normalize: str = 'valid',
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__()
        _check_choice('reduction', reduction, ('mean', 'sum', 'none'))
        _check_choice('normalize', normalize, ('valid', 'weight', 'all'))
        if not loss_name.startswith('loss_'):
            raise ValueError(
                f'loss_name={loss_name!r} must start with "loss_": mmengine '
                'only back-propagates such keys'
            )
        self.reduction = reduction
        self.normalize = normalize
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight
        self._loss_name = loss_name
        self.register_buffer(
            'class_weight', _read_class_weight(class_weight), persistent=False
        )

    @property
    def loss_name(self) -> str:
        """str: Log key of the loss."""
        return self._loss_name

    def forward(
        self,
        logits: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        ignore_index: int | None = None,
    ) -> Tensor:
        """Cross-entropy of ``logits`` against ``label``.

        Args:
            logits (Tensor): (N, C, H, W), any float type; computed in fp32 or
                higher.
            label (Tensor): (N, H, W) integers in [0, C) or ``ignore_index``.
            weight (Tensor, optional): (N, H, W) non-negative factors.
                Defaults to None.
            ignore_index (int, optional): Overrides the constructor's.

        Returns:
            Tensor: A scalar, or (N, H, W) with ``reduction='none'``. Zero
            with a zero gradient when every pixel is ignored.
        """
        if ignore_index is None:
            ignore_index = self.ignore_index
        class_weight = self._class_weight_for(logits)
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        loss = F.cross_entropy(
            logits,
            label,
            weight=class_weight,
            ignore_index=ignore_index,
            reduction='none' if self._needs_map(weight) else 'sum',
        )
        if weight is not None:
            loss = loss * weight
        if self.reduction == 'none':
            return self.loss_weight * loss
        if self.reduction == 'mean':
            count = self._denominator(label, weight, ignore_index, logits)
            return self.loss_weight * loss.sum() / count
        return self.loss_weight * loss.sum()

    def _needs_map(self, weight: Tensor | None) -> bool:
        return weight is not None or self.reduction == 'none'

    def _class_weight_for(self, logits: Tensor) -> Tensor | None:
        if self.class_weight is None:
            return None
        if len(self.class_weight) != logits.shape[1]:
            raise ValueError(
                f'PixelCELoss.class_weight has {len(self.class_weight)} '
                f'entries, the logits have {logits.shape[1]} classes'
            )
        dtype = torch.promote_types(logits.dtype, torch.float32)
        return self.class_weight.to(dtype)

    def _denominator(
        self,
        label: Tensor,
        weight: Tensor | None,
        ignore_index: int,
        logits: Tensor,
    ) -> Tensor:
        """Total pixel weight of all processes, divided by their number."""
        valid = label != ignore_index
        class_weight = self._class_weight_for(logits)
        dtype = torch.promote_types(logits.dtype, torch.float32)
        if self.normalize == 'all':
            total = valid.new_full((), label.numel(), dtype=dtype)
        elif class_weight is None:
            total = valid.sum().to(dtype)
            if weight is not None and self.normalize == 'weight':
                total = (weight * valid).sum()
        else:
            per_pixel = class_weight[label.masked_fill(~valid, 0)] * valid
            if weight is not None and self.normalize == 'weight':
                per_pixel = per_pixel * weight
            total = per_pixel.sum()
        total = total.detach()
        if get_world_size() > 1:
            all_reduce(total, op='mean')
        return total.masked_fill(total == 0, 1)


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(
            f'PixelCELoss.{name}={value!r}; allowed: {", ".join(allowed)}'
        )


def _read_class_weight(
    class_weight: Sequence[float] | str | None,
) -> Tensor | None:
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        text = Path(class_weight).read_text(encoding='utf-8')
        class_weight = [float(word) for word in text.split()]
    weight = torch.tensor(class_weight, dtype=torch.float64)
    if weight.ndim != 1 or not (weight >= 0).all() or weight.sum() == 0:
        raise ValueError(
            f'PixelCELoss.class_weight={class_weight}: expected one '
            'non-negative number per class, not all zero'
        )
    return weight
