# SPDX-License-Identifier: Apache-2.0
from .head_loss import head_loss, segmentor_losses

__all__ = ['head_loss', 'segmentor_losses']
