# SPDX-License-Identifier: Apache-2.0
from .resnet_deeplab import ResNetDeepLab
from .resnet_stem import ResNetStem
from .vgg import VGG16BN, VGG16BNDeepLab

__all__ = ['VGG16BN', 'ResNetDeepLab', 'ResNetStem', 'VGG16BNDeepLab']
