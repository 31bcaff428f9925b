# SPDX-License-Identifier: Apache-2.0
from .content_checks import ReadOptions
from .run import data_checks

__all__ = ['ReadOptions', 'data_checks']
