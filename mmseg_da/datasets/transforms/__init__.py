# SPDX-License-Identifier: Apache-2.0
from .depth import LoadDepth, LoadDisparity
from .formatting import PackUDAInputs
from .geometry import JointRandomCrop, JointRandomFlip, JointResize
from .loading import CheckImageFile, LoadRawLabels, LoadStreetImage
from .multi_branch import MultiBranch
from .sequence import LoadCamera, LoadNeighbourFrames

__all__ = [
    'CheckImageFile',
    'JointRandomCrop',
    'JointRandomFlip',
    'JointResize',
    'LoadCamera',
    'LoadDepth',
    'LoadDisparity',
    'LoadNeighbourFrames',
    'LoadRawLabels',
    'LoadStreetImage',
    'MultiBranch',
    'PackUDAInputs',
]
