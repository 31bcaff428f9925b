# SPDX-License-Identifier: Apache-2.0
from .amp import apply_amp
from .constructor import JointOptimWrapperConstructor
from .joint_optim_wrapper import JointOptimWrapper, accumulative_counts
from .new_layer_constructor import NewLayerOptimWrapperConstructor
from .repeat_sgd import RepeatSGD

__all__ = [
    'JointOptimWrapper',
    'JointOptimWrapperConstructor',
    'NewLayerOptimWrapperConstructor',
    'RepeatSGD',
    'accumulative_counts',
    'apply_amp',
]
