# SPDX-License-Identifier: Apache-2.0
"""Peak memory of running processes."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

_PROC = Path('/proc')


def peak_memory_mib(pid: int) -> float:
    """Peak resident memory so far of the largest process of a tree, MiB.

    The resource usage of an ended child is no substitute: on Linux its peak
    begins with the size of the parent that started it.

    Args:
        pid: A process; its descendants count too (``torchrun`` is small, its
            workers are not).

    Returns:
        0 where it is not told: no such process, or no Linux.
    """
    peak, waiting = 0.0, [pid]
    while waiting:
        folder = _PROC / str(waiting.pop())
        try:
            lines = (folder / 'status').read_text().splitlines()
            for path in folder.glob('task/*/children'):
                waiting += map(int, path.read_text().split())
        except OSError:  # It has ended meanwhile.
            continue
        sizes = [line.split()[1] for line in lines if line.startswith('VmHWM')]
        peak = max([peak, *(int(size) / 2**10 for size in sizes)])
    return peak


def own_peak_memory_mib() -> float:
    """Peak resident memory so far of this process and its workers, MiB."""
    unit = 2**20 if sys.platform == 'darwin' else 2**10
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return peak_memory_mib(os.getpid()) or usage.ru_maxrss / unit
