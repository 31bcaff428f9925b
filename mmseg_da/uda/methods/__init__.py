# SPDX-License-Identifier: Apache-2.0
from .abn import ABN
from .advent import ADVENT
from .depth_student import DepthStudent
from .minent import MinEnt
from .monodepth import MonoDepth
from .sac import SAC
from .sde import SDE
from .supervised import SupervisedOnly

__all__ = [
    'ABN',
    'ADVENT',
    'SAC',
    'SDE',
    'DepthStudent',
    'MinEnt',
    'MonoDepth',
    'SupervisedOnly',
]
