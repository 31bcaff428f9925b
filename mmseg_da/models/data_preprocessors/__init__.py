# SPDX-License-Identifier: Apache-2.0
from .multi_branch import MultiBranchDataPreprocessor

__all__ = ['MultiBranchDataPreprocessor']
