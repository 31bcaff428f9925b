# SPDX-License-Identifier: Apache-2.0
from .multi_source_sampler import MultiSourceSampler

__all__ = ['MultiSourceSampler']
