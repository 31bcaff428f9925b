# SPDX-License-Identifier: Apache-2.0
"""Modes of normalisation layers."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def freeze_bn_statistics(module: nn.Module) -> None:
    """Put every BatchNorm into eval mode and leave the rest as it is.

    The layers then normalise with their running statistics and keep these
    bit for bit; gamma and beta stay trainable (``requires_grad`` is not
    touched). Call it at the end of an overridden ``train()``, because
    ``train()`` puts the layers back into training mode. Backbone and head
    layers are covered, unlike with ``norm_eval`` of mmseg's backbones.

    Args:
        module (nn.Module): Changed in place; SyncBatchNorm counts as well.
    """
    for child in module.modules():
        if isinstance(child, _BatchNorm):
            child.eval()
