# SPDX-License-Identifier: Apache-2.0
from .multi_branch import MultiBranchDataPreprocessor
from .padded import PaddedSegDataPreProcessor, renormalized_statistics

__all__ = [
    'MultiBranchDataPreprocessor',
    'PaddedSegDataPreProcessor',
    'renormalized_statistics',
]
