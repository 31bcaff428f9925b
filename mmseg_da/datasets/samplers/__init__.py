# SPDX-License-Identifier: Apache-2.0
from .class_policies import ClassCyclePolicy, RareClassPolicy
from .class_probabilities import class_cycle_weights, rare_class_probabilities
from .index_policy import IndexPolicy, draw_generator
from .multi_source_sampler import MultiSourceSampler

__all__ = [
    'ClassCyclePolicy',
    'IndexPolicy',
    'MultiSourceSampler',
    'RareClassPolicy',
    'class_cycle_weights',
    'draw_generator',
    'rare_class_probabilities',
]
