# SPDX-License-Identifier: Apache-2.0
from .pixel_ce_loss import PixelCELoss

__all__ = ['PixelCELoss']
