# SPDX-License-Identifier: Apache-2.0
from .base import BaseUDASegmentor
from .hooks import *  # noqa: F403
from .methods import *  # noqa: F403
from .monodepth_loss import MonoDepthLoss

__all__ = ['BaseUDASegmentor', 'MonoDepthLoss']
