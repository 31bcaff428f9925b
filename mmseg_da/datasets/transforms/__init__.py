# SPDX-License-Identifier: Apache-2.0
from .blank_image import BlankImage
from .depth import LoadDepth, LoadDisparity
from .disparity_artifact import LoadDisparityArtifact
from .exact_disparity import LoadExactDisparity
from .formatting import PackUDAInputs
from .geometry import JointRandomCrop, JointRandomFlip, JointResize
from .loading import CheckImageFile, LoadRawLabels, LoadStreetImage
from .multi_branch import MultiBranch
from .padded_crop import PaddedRandomCrop
from .photometric import (
    PillowColorJitter,
    PillowGaussianBlur,
    PillowGreyscale,
)
from .pseudo_labels import LoadPseudoLabels, PredictAtInputSize
from .sequence import LoadCamera, LoadNeighbourFrames
from .vehicle import LoadVehicleMotion
from .video import (
    BuildImagePyramid,
    KeepWholeFrames,
    SequenceColorJitter,
    UseLegacyIntrinsics,
)
from .views import ConsistencyViews, PackViews

__all__ = [
    'BlankImage',
    'BuildImagePyramid',
    'CheckImageFile',
    'ConsistencyViews',
    'JointRandomCrop',
    'JointRandomFlip',
    'JointResize',
    'KeepWholeFrames',
    'LoadCamera',
    'LoadDepth',
    'LoadDisparity',
    'LoadDisparityArtifact',
    'LoadExactDisparity',
    'LoadNeighbourFrames',
    'LoadPseudoLabels',
    'LoadRawLabels',
    'LoadStreetImage',
    'LoadVehicleMotion',
    'MultiBranch',
    'PackUDAInputs',
    'PackViews',
    'PaddedRandomCrop',
    'PillowColorJitter',
    'PillowGaussianBlur',
    'PillowGreyscale',
    'PredictAtInputSize',
    'SequenceColorJitter',
    'UseLegacyIntrinsics',
]
