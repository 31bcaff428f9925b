# SPDX-License-Identifier: Apache-2.0
"""Two ranks of a test: forks of a server that has imported the suite once.

Every call starts two new processes, which share nothing with each other, with
the pytest worker or with earlier tests; only the imports are done for them.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import fast_runs
import numpy as np
import torch
import torch.multiprocessing as mp

PRELOAD = ['mmseg_da', 'mmseg.apis', 'mmseg.datasets', 'pytest']


def start(function: Callable, *arguments) -> None:
    """Call ``function(rank, *arguments)`` in two processes; wait for both.

    Args:
        function (Callable): Of a module that is cheap to import.
        *arguments: What can be pickled.

    Raises:
        torch.multiprocessing.ProcessException: A rank failed; holds its
            traceback.
    """
    method = 'spawn'
    if 'forkserver' in multiprocessing.get_all_start_methods():
        method = 'forkserver'
        # Without effect where the server already runs: slower, not wrong.
        context = multiprocessing.get_context(method)
        context.set_forkserver_preload(PRELOAD)
    mp.start_processes(
        _rank, (function, arguments), nprocs=2, start_method=method
    )


def _rank(rank: int, function: Callable, arguments: tuple) -> None:
    torch.set_num_threads(1)
    # Forks start with one and the same state, as new interpreters do not.
    np.random.seed()
    gc.freeze()
    with fast_runs.unformatted_config_texts():
        function(rank, *arguments)


def port_of(folder: Path) -> int:
    """A port for the meeting of the ranks of a test."""
    return 29500 + (hash(str(folder)) % 2000)


def join_launcher(rank: int, port: int) -> None:
    """What ``torchrun`` tells a rank."""
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
    )
