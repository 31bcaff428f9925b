# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.utils import add_prefix
from torch import Tensor, nn

from .resize import resize_to


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
    size = data_samples[0].gt_sem_seg.shape[-2:]
    logits = _enlarged(head, features, size)
    return logit_loss(head, logits, data_samples)


def logit_loss(
    head: BaseDecodeHead, logits: Tensor, data_samples: list
) -> dict[str, Tensor]:
    """The loss terms of a head on logits that are at hand already.

    Args:
        head (BaseDecodeHead): The head.
        logits (Tensor): (N, C, H, W), at the size of the labels.
        data_samples (list): N samples with ``gt_sem_seg`` (1, H, W).

    Returns:
        dict[str, Tensor]: Scalar losses by their ``loss_name``.
    """
    label = torch.stack([s.gt_sem_seg.data.squeeze(0) for s in data_samples])
    terms = head.loss_decode
    losses: dict[str, Tensor] = {}
    for term in terms if isinstance(terms, nn.ModuleList) else [terms]:
        value = term(logits, label, ignore_index=head.ignore_index)
        name = term.loss_name
        losses[name] = losses[name] + value if name in losses else value
    return losses


def segmentor_heads(segmentor: EncoderDecoder) -> dict[str, BaseDecodeHead]:
    """Heads of a segmentor as mmseg names them in its losses.

    Returns:
        dict[str, BaseDecodeHead]: ``decode``, then ``aux`` or ``aux_<i>``.
    """
    heads = {'decode': segmentor.decode_head}
    if segmentor.with_auxiliary_head:
        auxiliary = segmentor.auxiliary_head
        if isinstance(auxiliary, nn.ModuleList):
            heads.update({f'aux_{i}': h for i, h in enumerate(auxiliary)})
        else:
            heads['aux'] = auxiliary
    return heads


def segmentor_logits(
    segmentor: EncoderDecoder, images: Tensor
) -> dict[str, Tensor]:
    """Logits of all heads at the size of the images, from one forward.

    For methods that need both the supervised loss and the logits of a batch;
    see :func:`segmentor_logit_losses`.

    Args:
        segmentor (EncoderDecoder): The network.
        images (Tensor): (N, 3, H, W), preprocessed.

    Returns:
        dict[str, Tensor]: (N, C, H, W) per head of :func:`segmentor_heads`.
    """
    features = segmentor.extract_feat(images)
    return {
        name: _enlarged(head, features, images.shape[-2:])
        for name, head in segmentor_heads(segmentor).items()
    }


def decode_logits(segmentor: EncoderDecoder, images: Tensor) -> Tensor:
    """Logits of the decode head alone at the size of the images.

    Args:
        segmentor (EncoderDecoder): The network.
        images (Tensor): (N, 3, H, W), preprocessed.

    Returns:
        Tensor: (N, C, H, W).
    """
    features = segmentor.extract_feat(images)
    return _enlarged(segmentor.decode_head, features, images.shape[-2:])


def segmentor_logit_losses(
    segmentor: EncoderDecoder,
    logits: dict[str, Tensor],
    data_samples: list,
) -> dict[str, Tensor]:
    """Losses of all heads on the logits of :func:`segmentor_logits`.

    Args:
        segmentor (EncoderDecoder): The network.
        logits (dict[str, Tensor]): (N, C, H, W) per head.
        data_samples (list): N samples with ``gt_sem_seg``.

    Returns:
        dict[str, Tensor]: As :func:`segmentor_losses`.

    Raises:
        ValueError: If a head computes its loss from features.
    """
    losses: dict[str, Tensor] = {}
    for name, head in segmentor_heads(segmentor).items():
        if not _is_plain(head):
            raise ValueError(
                f'{type(head).__name__} defines its own loss, which is not a '
                'function of its logits; this method needs a head with '
                "mmseg's BaseDecodeHead.loss"
            )
        terms = logit_loss(head, logits[name], data_samples)
        losses.update(add_prefix(terms, name))
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
    losses: dict[str, Tensor] = {}
    for name, head in segmentor_heads(segmentor).items():
        terms = head_loss(head, features, data_samples)
        losses.update(add_prefix(terms, name))
    return losses


def _enlarged(
    head: BaseDecodeHead, features: Sequence[Tensor], size: Sequence[int]
) -> Tensor:
    return resize_to(head(features), size, head.align_corners)


def _is_plain(head: BaseDecodeHead) -> bool:
    kind = type(head)
    return (
        kind.loss is BaseDecodeHead.loss
        and kind.loss_by_feat is BaseDecodeHead.loss_by_feat
        and head.sampler is None
    )
