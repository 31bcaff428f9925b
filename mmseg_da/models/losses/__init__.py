# SPDX-License-Identifier: Apache-2.0
from .berhu_loss import BerHuLoss
from .disparity_smoothness_loss import DisparitySmoothnessLoss
from .feature_distance_loss import FeatureDistanceLoss
from .focal_confidence_ce_loss import FocalConfidenceCELoss
from .photometric_loss import PhotometricLoss
from .pixel_ce_loss import PixelCELoss

__all__ = [
    'BerHuLoss',
    'DisparitySmoothnessLoss',
    'FeatureDistanceLoss',
    'FocalConfidenceCELoss',
    'PhotometricLoss',
    'PixelCELoss',
]
