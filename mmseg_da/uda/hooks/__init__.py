# SPDX-License-Identifier: Apache-2.0
from .artifact_check_hook import ArtifactCheckHook
from .class_view_check_hook import ClassViewCheckHook
from .depth_collapse_hook import DepthCollapseHook
from .depth_transfer_hook import DepthTransferHook
from .empty_label_hook import EmptyLabelHook
from .entropy_ranking_hook import EntropyRankingHook
from .finite_loss_hook import FiniteLossHook
from .iteration_seed_hook import IterationSeedHook
from .mean_teacher_hook import MeanTeacherHook
from .schedule_check_hook import ScheduleCheckHook
from .target_bn_hook import TargetBNHook

__all__ = [
    'ArtifactCheckHook',
    'ClassViewCheckHook',
    'DepthCollapseHook',
    'DepthTransferHook',
    'EmptyLabelHook',
    'EntropyRankingHook',
    'FiniteLossHook',
    'IterationSeedHook',
    'MeanTeacherHook',
    'ScheduleCheckHook',
    'TargetBNHook',
]
