# SPDX-License-Identifier: Apache-2.0
from .entropy import (
    class_probabilities,
    highest_mean,
    mean_entropy,
    self_information,
)
from .head_loss import (
    head_loss,
    logit_loss,
    segmentor_heads,
    segmentor_logit_losses,
    segmentor_logits,
    segmentor_losses,
)
from .norm import freeze_bn_statistics
from .recompute import recompute

__all__ = [
    'class_probabilities',
    'freeze_bn_statistics',
    'head_loss',
    'highest_mean',
    'logit_loss',
    'mean_entropy',
    'recompute',
    'segmentor_heads',
    'segmentor_logit_losses',
    'segmentor_logits',
    'segmentor_losses',
    'self_information',
]
