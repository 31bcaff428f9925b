# SPDX-License-Identifier: Apache-2.0
"""Start distributed training, also on machines without a GPU."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from mmengine.config import Config

TORCHRUN_VARIABLES = (
    'RANK',
    'LOCAL_RANK',
    'WORLD_SIZE',
    'MASTER_ADDR',
    'MASTER_PORT',
)


def prepare_launcher(cfg: Config, launcher: str) -> None:
    """Make a config ready for a launcher, before the Runner is built.

    With CUDA this only chooses :class:`UDADistributedDataParallel` (and hands
    the config's ``find_unused_parameters`` to it); mmengine starts the
    processes' group. Without a GPU it also starts a gloo group, because
    mmengine's own launcher needs CUDA.

    Args:
        cfg (Config): Changed in place: ``launcher``, ``model_wrapper_cfg``.
        launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'.

    Raises:
        ValueError: If the launcher does not work on this machine or was not
            started by ``torchrun``, or there are more processes than GPUs.
    """
    cfg.launcher = launcher
    if launcher == 'none':
        return
    wrapper = cfg.get('model_wrapper_cfg') or {}
    wrapper.setdefault('type', 'UDADistributedDataParallel')
    if 'find_unused_parameters' in cfg:
        wrapper.setdefault(
            'find_unused_parameters', cfg.find_unused_parameters
        )
    cfg.model_wrapper_cfg = wrapper
    if launcher == 'pytorch':
        _check_torchrun()
    if torch.cuda.is_available():
        return
    if launcher != 'pytorch':
        raise ValueError(
            f'--launcher {launcher} needs GPUs and none is visible; on CPUs '
            'start with torchrun and --launcher pytorch'
        )
    init_cpu_dist()


def init_cpu_dist() -> None:
    """Join the gloo group that ``torchrun`` describes, unless done.

    Raises:
        ValueError: If ``torchrun``'s environment variables are missing.
    """
    if dist.is_initialized():
        return
    _check_torchrun()
    dist.init_process_group('gloo')


def _check_torchrun() -> None:
    missing = [name for name in TORCHRUN_VARIABLES if name not in os.environ]
    if missing:
        raise ValueError(
            f'--launcher pytorch: the variables {", ".join(missing)} are not '
            'set; start with `bash tools/dist_train.sh CONFIG PROCESSES` or '
            '`torchrun --nproc_per_node=PROCESSES tools/train.py CONFIG '
            '--launcher pytorch`'
        )
    local_rank, gpus = int(os.environ['LOCAL_RANK']), torch.cuda.device_count()
    if torch.cuda.is_available() and local_rank >= gpus:
        raise ValueError(
            f'process {local_rank} of this machine has no GPU of its own: '
            f'{gpus} visible; start at most {gpus} processes per machine'
        )
