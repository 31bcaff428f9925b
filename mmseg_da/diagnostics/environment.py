# SPDX-License-Identifier: Apache-2.0
"""Checks of the machine and the installed packages.

Nothing here imports mmseg, so that it works where the stack is missing.
"""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mmseg_da import compat

from .report import Check

GIB = 1024**3
MIN_PYTHON = (3, 10)
# distribution -> what does not work without it
OPTIONAL_PACKAGES = {
    'cityscapesscripts': 'official Cityscapes scores',
    'matplotlib': 'figures of the report',
    'rich': 'progress bars and tables',
    'scikit-learn': 'Gaussian mixtures (DepthDistribution)',
    'scipy': 'distance transforms and statistics',
    'tensorboard': 'the TensorBoard backend',
}


def environment_checks(data_root: str | Path | None = None) -> list[Check]:
    """Look at everything a run needs from its machine.

    Args:
        data_root (str | Path, optional): Folder of the data sets, checked
            for space and write permission beside the current folder.

    Returns:
        list[Check]: In the order in which problems should be mended.
    """
    checks = [check_python(), check_torch(), check_torchvision()]
    checks += check_stack()
    checks += [check_gpu(), check_cpu(), check_memory(), check_shared_memory()]
    checks += check_folder('current folder', Path.cwd())
    if data_root is not None:
        checks += check_folder('data root', Path(data_root))
    checks += [check_images(), *check_optional()]
    return checks


def check_python() -> Check:
    """Python 3.10 or newer."""
    value = f'{platform.python_version()} ({sys.executable})'
    if sys.version_info[:2] < MIN_PYTHON:
        advice = 'make test PYTHON=/path/to/python3.10 (or newer)'
        return Check('python', 'fail', value, advice)
    return Check('python', 'ok', value)


def check_torch() -> Check:
    """torch is there and new enough."""
    problem = compat.torch_problem()
    if problem is not None:
        return Check('torch', 'fail', problem.what, problem.mend)
    import torch

    cuda = torch.version.cuda or 'none, CPU build'
    return Check('torch', 'ok', f'{torch.__version__} (CUDA {cuda})')


def check_torchvision() -> Check:
    """torchvision fits torch; none at all is only a warning."""
    problem = compat.torchvision_problem()
    if problem is not None:
        return Check('torchvision', 'fail', problem.what, problem.mend)
    version = compat.installed_version('torchvision')
    if version is None:
        return Check(
            'torchvision',
            'warn',
            'not installed; torchvision:// weights cannot be used',
            'pip install torchvision (same index as torch)',
        )
    return Check('torchvision', 'ok', f'{version}, matches torch')


def check_stack() -> list[Check]:
    """One row for mmseg, mmcv and mmengine, one for the compiled ops."""
    problems = compat.stack_problems()
    if problems:
        return [Check('stack', 'fail', p.what, p.mend) for p in problems]
    info = compat.stack_info()
    versions = ', '.join(f'{k} {v}' for k, v in info.versions.items())
    checks = [Check('stack', 'ok', f'{info.name}: {versions}')]
    if info.has_ops:
        checks.append(Check('compiled ops', 'ok', 'mmcv._ext found'))
    else:
        checks.append(
            Check(
                'compiled ops',
                'ok',
                'none; no method here needs them (CCHead, PSAHead, '
                'PointHead and deformable convolutions of mmseg do)',
            )
        )
    return checks


def check_gpu() -> Check:
    """Number, names, memory and driver of the GPUs torch can use."""
    if not compat.has_module('torch'):
        return Check('gpu', 'warn', 'unknown without torch', 'install torch')
    import torch

    driver = _driver_version()
    if torch.cuda.is_available():
        parts = []
        for index in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(index)
            memory = device.total_memory / GIB
            parts.append(f'{device.name} {memory:.0f} GiB')
        text = f'{len(parts)}: {"; ".join(parts)}; driver {driver}'
        return Check('gpu', 'ok', text)
    if driver is not None:
        return Check(
            'gpu',
            'warn',
            f'driver {driver} is there, but torch {torch.__version__} sees '
            'no GPU',
            'install a torch build with CUDA that fits the driver; look at '
            'CUDA_VISIBLE_DEVICES',
        )
    return Check(
        'gpu',
        'warn',
        'none',
        'the StreetWorld (sw*) and CamVid configs train on the CPU; the '
        'others need a GPU',
    )


def _driver_version() -> str | None:
    """Return the NVIDIA driver version, None without driver or tool."""
    program = shutil.which('nvidia-smi')
    if program is None:
        return None
    query = ['--query-gpu=driver_version', '--format=csv,noheader']
    try:
        done = subprocess.run(
            [program, *query], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.split()
    return lines[0] if done.returncode == 0 and lines else None


def check_cpu() -> Check:
    """Cores this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    if cores < 2:
        advice = 'set train_dataloader.num_workers=0'
        return Check('cpu', 'warn', '1 core', advice)
    return Check('cpu', 'ok', f'{cores} cores')


def check_memory() -> Check:
    """Physical memory of the machine."""
    pages, size = os.sysconf('SC_PHYS_PAGES'), os.sysconf('SC_PAGE_SIZE')
    memory = pages * size / GIB
    if memory < 7:
        advice = 'use small batches and num_workers=0; 8 GiB are enough'
        return Check('memory', 'warn', f'{memory:.1f} GiB', advice)
    return Check('memory', 'ok', f'{memory:.1f} GiB')


def check_shared_memory() -> Check:
    """Space in /dev/shm, through which data-loading workers hand images."""
    folder = Path('/dev/shm')
    if not folder.is_dir():
        return Check('shared memory', 'ok', 'no /dev/shm on this system')
    free = shutil.disk_usage(folder).free / GIB
    if free < 1:
        return Check(
            'shared memory',
            'warn',
            f'{free:.2f} GiB free in /dev/shm',
            'start the container with --shm-size=8g, or num_workers=0',
        )
    return Check('shared memory', 'ok', f'{free:.1f} GiB free')


def check_folder(name: str, folder: Path) -> list[Check]:
    """Existence, write permission and free space of a folder."""
    if not folder.is_dir():
        advice = f'mkdir -p {folder}, or give the right folder'
        value = f'{folder} is not a folder'
        return [Check(name, 'fail', value, advice)]
    checks = [_check_space(name, folder)]
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        advice = 'chmod u+w, or work in a folder of your own'
        value = f'cannot write into {folder}: {error.strerror}'
        checks.append(Check(name, 'fail', value, advice))
    return checks


def _check_space(name: str, folder: Path) -> Check:
    free = shutil.disk_usage(folder).free / GIB
    value = f'{folder}: {free:.1f} GiB free'
    if free < 1:
        return Check(name, 'fail', value, 'free some space; 1 GiB is needed')
    if free < 10:
        advice = 'enough for the demo; real data sets need more'
        return Check(name, 'warn', value, advice)
    return Check(name, 'ok', value)


def check_images() -> Check:
    """The libraries that decode images."""
    found = {
        'pillow': compat.installed_version('pillow'),
        'opencv-python': compat.installed_version('opencv-python')
        or compat.installed_version('opencv-python-headless'),
        'numpy': compat.installed_version('numpy'),
    }
    missing = [name for name, version in found.items() if version is None]
    if missing:
        names = ' '.join(missing)
        return Check(
            'images', 'fail', f'missing: {names}', f'pip install {names}'
        )
    value = ', '.join(f'{name} {version}' for name, version in found.items())
    return Check('images', 'ok', value)


def check_optional() -> list[Check]:
    """Packages that only some features need; one row each if missing."""
    checks, present = [], []
    for name, feature in OPTIONAL_PACKAGES.items():
        try:
            present.append(f'{name} {importlib.metadata.version(name)}')
        except importlib.metadata.PackageNotFoundError:
            value = f'{name} is missing: no {feature}'
            advice = f'pip install {name}'
            checks.append(Check('optional', 'warn', value, advice))
    if present:
        checks.insert(0, Check('optional', 'ok', ', '.join(present)))
    return checks
