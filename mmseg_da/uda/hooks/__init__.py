# SPDX-License-Identifier: Apache-2.0
from .artifact_check_hook import ArtifactCheckHook
from .class_view_check_hook import ClassViewCheckHook
from .iteration_seed_hook import IterationSeedHook
from .mean_teacher_hook import MeanTeacherHook
from .target_bn_hook import TargetBNHook

__all__ = [
    'ArtifactCheckHook',
    'ClassViewCheckHook',
    'IterationSeedHook',
    'MeanTeacherHook',
    'TargetBNHook',
]
