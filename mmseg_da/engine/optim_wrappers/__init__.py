# SPDX-License-Identifier: Apache-2.0
from .amp import apply_amp
from .constructor import JointOptimWrapperConstructor
from .joint_optim_wrapper import JointOptimWrapper, accumulative_counts

__all__ = [
    'JointOptimWrapper',
    'JointOptimWrapperConstructor',
    'accumulative_counts',
    'apply_amp',
]
