# SPDX-License-Identifier: Apache-2.0
"""Metrics, official scores and benchmark submissions."""

from .cityscapes_official import score_cityscapes, score_cityscapes_pairs
from .cityscapes_submission import CityscapesSubmission
from .confusion import (
    class_accuracy,
    class_iou,
    confusion_matrix,
    pixel_accuracy,
    subset_mean,
)
from .depth_metric import DepthErrors
from .depth_pictures import DepthPictures
from .prediction_writer import PredictionWriter
from .subset_iou_metric import SubsetIoUMetric

__all__ = [
    'CityscapesSubmission',
    'DepthErrors',
    'DepthPictures',
    'PredictionWriter',
    'SubsetIoUMetric',
    'class_accuracy',
    'class_iou',
    'confusion_matrix',
    'pixel_accuracy',
    'score_cityscapes',
    'score_cityscapes_pairs',
    'subset_mean',
]
