# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.utils import resize
from mmseg.utils import add_prefix
from torch import Tensor, nn


def head_loss(
    head: BaseDecodeHead, features: Sequence[Tensor], data_samples: list
) -> dict[str, Tensor]:
    """Losses of a decode head, without mmseg's ``acc_seg``.

    mmseg computes that training accuracy by a top-k over the classes of every
    pixel, 8 % of a step of the small nets (benchmarks/training_step.py).
    Heads that define their own loss, or sample pixels, are called as they
    are.

    Args:
        head (BaseDecodeHead): The head.
        features (Sequence[Tensor]): Outputs of the backbone or neck.
        data_samples (list): Samples with ``gt_sem_seg`` (1, H, W).

    Returns:
        dict[str, Tensor]: Scalar losses by their ``loss_name``.
    """
    if not _is_plain(head):
        return head.loss(features, data_samples, None)
    label = torch.stack([s.gt_sem_seg.data.squeeze(0) for s in data_samples])
    logits = resize(
        head(features),
        size=label.shape[-2:],
        mode='bilinear',
        align_corners=head.align_corners,
    )
    terms = head.loss_decode
    losses: dict[str, Tensor] = {}
    for term in terms if isinstance(terms, nn.ModuleList) else [terms]:
        value = term(logits, label, ignore_index=head.ignore_index)
        name = term.loss_name
        losses[name] = losses[name] + value if name in losses else value
    return losses


def segmentor_losses(
    segmentor: EncoderDecoder, images: Tensor, data_samples: list
) -> dict[str, Tensor]:
    """Losses of all heads of a segmentor, see :func:`head_loss`.

    Args:
        segmentor (EncoderDecoder): The network.
        images (Tensor): (N, 3, H, W), preprocessed.
        data_samples (list): N samples with ``gt_sem_seg``.

    Returns:
        dict[str, Tensor]: ``decode.loss_<kind>``, and ``aux.`` or ``aux_<i>.``
        likewise, as mmseg names them.
    """
    features = segmentor.extract_feat(images)
    heads = {'decode': segmentor.decode_head}
    if segmentor.with_auxiliary_head:
        auxiliary = segmentor.auxiliary_head
        if isinstance(auxiliary, nn.ModuleList):
            heads.update({f'aux_{i}': h for i, h in enumerate(auxiliary)})
        else:
            heads['aux'] = auxiliary
    losses: dict[str, Tensor] = {}
    for name, head in heads.items():
        terms = head_loss(head, features, data_samples)
        losses.update(add_prefix(terms, name))
    return losses


def _is_plain(head: BaseDecodeHead) -> bool:
    kind = type(head)
    return (
        kind.loss is BaseDecodeHead.loss
        and kind.loss_by_feat is BaseDecodeHead.loss_by_feat
        and head.sampler is None
    )
