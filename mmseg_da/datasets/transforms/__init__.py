# SPDX-License-Identifier: Apache-2.0
from .formatting import PackUDAInputs
from .loading import LoadRawLabels, LoadStreetImage
from .multi_branch import MultiBranch

__all__ = ['LoadRawLabels', 'LoadStreetImage', 'MultiBranch', 'PackUDAInputs']
