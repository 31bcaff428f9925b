# SPDX-License-Identifier: Apache-2.0
"""One function over many files, in several processes, with progress."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

__all__ = ['Outcome', 'available_cores', 'iter_jobs', 'run_jobs']

# Starting processes means importing torch and mmseg: seconds.
_JOBS_WORTH_A_PROCESS = 64
_CHUNK = 8


@dataclass(frozen=True)
class Outcome:
    """What came of one job.

    Attributes:
        value: The function's result, None after an error.
        error: Message of the ValueError or OSError, None without one.
    """

    value: Any = None
    error: str | None = None


def available_cores() -> int:
    """Number of processor cores this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_jobs(
    function: Callable[[Any], Any],
    jobs: Sequence[Any],
    workers: int | None = None,
    title: str = '',
) -> list[Outcome]:
    """Call ``function`` with every job; see :func:`iter_jobs`."""
    return list(iter_jobs(function, jobs, workers, title))


def iter_jobs(
    function: Callable[[Any], Any],
    jobs: Sequence[Any],
    workers: int | None = None,
    title: str = '',
) -> Iterator[Outcome]:
    """Call ``function`` with every job and give the outcomes as they come.

    Faults of single files (ValueError, OSError) do not stop the others.

    Args:
        function: Top-level function, or a partial of one (it has to be
            picklable: the processes share nothing with this one).
        jobs: Its arguments.
        workers: Processes; 0 or 1 works in this one. Defaults to as many as
            there are cores and enough jobs for.
        title: Text of the progress bar (shown on terminals only).

    Yields:
        Outcomes in the order of the jobs.

    Raises:
        ChildProcessError: A process was killed.
    """
    if workers is None:
        enough = len(jobs) // _JOBS_WORTH_A_PROCESS
        workers = min(available_cores(), enough)
    guarded = partial(_call, function)
    with _progress(title, len(jobs)) as advance:
        if workers <= 1:
            yield from advance(map(guarded, jobs))
        else:
            yield from _in_processes(guarded, jobs, workers, advance)


def _start_method() -> multiprocessing.context.BaseContext:
    """Fork from a clean server that imported the package once, where there
    is such a thing; elsewhere fresh interpreters.
    """
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([__name__])
    return context


def _call(function: Callable[[Any], Any], job: Any) -> Outcome:
    try:
        return Outcome(function(job))
    except (ValueError, OSError) as error:
        return Outcome(error=str(error))


def _in_processes(
    guarded: Callable[[Any], Outcome],
    jobs: Sequence[Any],
    workers: int,
    advance: Callable[[Iterator[Outcome]], Iterator[Outcome]],
) -> Iterator[Outcome]:
    pool = ProcessPoolExecutor(
        workers,
        mp_context=_start_method(),
        initializer=cv2.setNumThreads,
        initargs=(1,),
    )
    try:
        yield from advance(pool.map(guarded, jobs, chunksize=_CHUNK))
    except BrokenProcessPool:
        raise ChildProcessError(
            f'one of the {workers} processes was killed, for example because '
            'memory ran out. What is written is whole: the same command goes '
            'on where it stopped; give fewer --workers.'
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _progress(
    title: str, total: int
) -> Iterator[Callable[[Iterator[Outcome]], Iterator[Outcome]]]:
    """Give a function that counts what passes through an iterator."""
    bar = Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(title, total=total)

        def advance(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
            for outcome in outcomes:
                bar.advance(task)
                yield outcome

        yield advance
