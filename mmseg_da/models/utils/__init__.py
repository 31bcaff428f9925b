# SPDX-License-Identifier: Apache-2.0
from .entropy import (
    class_probabilities,
    highest_mean,
    mean_entropy,
    self_information,
)
from .head_loss import (
    decode_logits,
    head_loss,
    logit_loss,
    segmentor_heads,
    segmentor_logit_losses,
    segmentor_logits,
    segmentor_losses,
)
from .norm import freeze_bn_statistics
from .recompute import recompute
from .resize import resize_to

__all__ = [
    'class_probabilities',
    'decode_logits',
    'freeze_bn_statistics',
    'head_loss',
    'highest_mean',
    'logit_loss',
    'mean_entropy',
    'recompute',
    'resize_to',
    'segmentor_heads',
    'segmentor_logit_losses',
    'segmentor_logits',
    'segmentor_losses',
    'self_information',
]
