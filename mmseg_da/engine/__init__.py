# SPDX-License-Identifier: Apache-2.0
from .artifact_writer import ArtifactWriter
from .artifacts import KINDS, Artifact, ArtifactStore
from .ddp import UDADistributedDataParallel
from .ema import FusedEMA
from .hashing import hash_code, hash_config, hash_file, make_producer
from .launch import init_cpu_dist, prepare_launcher
from .optim_wrappers import (
    JointOptimWrapper,
    JointOptimWrapperConstructor,
    NewLayerOptimWrapperConstructor,
    accumulative_counts,
    apply_amp,
)
from .rng import preserve_rng, seed_everything
from .update import run_update_phases

__all__ = [
    'KINDS',
    'Artifact',
    'ArtifactStore',
    'ArtifactWriter',
    'FusedEMA',
    'JointOptimWrapper',
    'JointOptimWrapperConstructor',
    'NewLayerOptimWrapperConstructor',
    'UDADistributedDataParallel',
    'accumulative_counts',
    'apply_amp',
    'hash_code',
    'hash_config',
    'hash_file',
    'init_cpu_dist',
    'make_producer',
    'prepare_launcher',
    'preserve_rng',
    'run_update_phases',
    'seed_everything',
]
