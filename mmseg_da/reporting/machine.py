# SPDX-License-Identifier: Apache-2.0
"""What a number was measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import torch

from mmseg_da import compat
from mmseg_da.version import __version__

_PACKAGES = ('torch', 'torchvision', 'numpy', 'opencv-python')


def describe_machine() -> dict[str, str | int]:
    """CPU model, usable cores, threads, GPU and system of this process.

    Returns:
        Keys ``cpu``, ``cores``, ``torch_threads``, ``gpu``, ``system``,
        ``python``; nothing that names the host or its user.
    """
    gpu = 'none'
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_name()
    return {
        'cpu': _cpu_model(),
        'cores': usable_cores(),
        'torch_threads': torch.get_num_threads(),
        'gpu': gpu,
        'system': f'{platform.system()} {platform.machine()}',
        'python': platform.python_version(),
    }


def describe_versions() -> dict[str, str]:
    """Versions of mmseg-da, its stack and the libraries that matter."""
    versions = {'mmseg-da': __version__}
    info = compat.stack_info()
    versions.update(
        {f'{n} ({info.name})': v for n, v in info.versions.items()}
    )
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = 'not installed'
    return versions


def usable_cores() -> int:
    """Cores that this process may use, which can be fewer than there are."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    """Marketing name of the CPU; the architecture where it is not told."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(':')
        if key.strip() == 'model name':
            return value.strip()
    return platform.processor() or platform.machine()
