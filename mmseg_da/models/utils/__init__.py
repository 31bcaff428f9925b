# SPDX-License-Identifier: Apache-2.0
from .entropy import mean_entropy, self_information
from .head_loss import (
    head_loss,
    logit_loss,
    segmentor_heads,
    segmentor_logit_losses,
    segmentor_logits,
    segmentor_losses,
)

__all__ = [
    'head_loss',
    'logit_loss',
    'mean_entropy',
    'segmentor_heads',
    'segmentor_logit_losses',
    'segmentor_logits',
    'segmentor_losses',
    'self_information',
]
