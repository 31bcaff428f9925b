# SPDX-License-Identifier: Apache-2.0
from .resnet_deeplab import ResNetDeepLab

__all__ = ['ResNetDeepLab']
