# SPDX-License-Identifier: Apache-2.0
from .formatting import PackUDAInputs
from .loading import CheckImageFile, LoadRawLabels, LoadStreetImage
from .multi_branch import MultiBranch

__all__ = [
    'CheckImageFile',
    'LoadRawLabels',
    'LoadStreetImage',
    'MultiBranch',
    'PackUDAInputs',
]
