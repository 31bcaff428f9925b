# SPDX-License-Identifier: Apache-2.0
"""Child processes side by side: a log file and a progress bar each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mmseg_da.utils.process_memory import peak_memory_mib

_POLL_SECONDS = 0.5
_GRACE_SECONDS = 15
_LOG_LINES = 15


class JobError(RuntimeError):
    """A child process failed; the text has its last log lines."""


@dataclass(frozen=True)
class Job:
    """A command to run.

    Args:
        name: Shown beside the progress bar; unique.
        command: Program and arguments.
        log: File for its output, appended to.
        env: Variables added to the environment.
        cwd: Folder to run in.
        total: Units of work, None if unknown (the bar then only moves).
        progress: Called twice a second with the seconds since the start;
            returns units done and a short text.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    total: float | None = None
    progress: Callable[[float], tuple[float, str]] = lambda seconds: (0, '')


@dataclass(frozen=True)
class JobResult:
    """What a finished job cost.

    Attributes:
        seconds: Wall time.
        peak_rss_mib: Peak memory of the process.
    """

    seconds: float
    peak_rss_mib: float


@dataclass
class _Running:
    job: Job
    process: subprocess.Popen
    start: float
    task: TaskID
    peak_mib: float = 0.0

    def poll(self) -> JobResult | None:
        """The result once the process has ended; checks how it ended."""
        now = peak_memory_mib(self.process.pid)
        self.peak_mib = max(self.peak_mib, now)
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode != 0:
            raise JobError(_failure(self.job, self.process.returncode))
        unit = 2**20 if sys.platform == 'darwin' else 2**10
        seconds = time.monotonic() - self.start
        return JobResult(seconds, self.peak_mib or usage.ru_maxrss / unit)


def run_jobs(
    jobs: Sequence[Job],
    parallel: int,
    console: Console,
    finished: Callable[[Job, JobResult], None],
    keep_open: Sequence[int] = (),
) -> None:
    """Run jobs, at most ``parallel`` at a time.

    When one fails, or the caller is interrupted, the others are ended too
    (SIGTERM, then SIGKILL) before the exception goes on.

    Args:
        jobs: Jobs in the order in which they start.
        parallel: At least 1.
        console: Where the bars are drawn.
        finished: Called as soon as a job has ended well.
        keep_open: File descriptors that the children inherit (a lock).

    Raises:
        JobError: A job ended with another code than 0.
    """
    waiting = list(jobs)
    running: list[_Running] = []
    with _progress(console) as bars:
        try:
            while waiting or running:
                while waiting and len(running) < parallel:
                    running.append(_start(waiting.pop(0), bars, keep_open))
                time.sleep(_POLL_SECONDS)
                for one in list(running):
                    result = one.poll()
                    _show(bars, one, done=result is not None)
                    if result is not None:
                        running.remove(one)
                        finished(one.job, result)
        finally:
            _end([one.process for one in running])


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn('  {task.description:<14}'),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn('{task.fields[note]}'),
        console=console,
        refresh_per_second=4,
        transient=True,
    )


def _start(job: Job, bars: Progress, keep_open: Sequence[int]) -> _Running:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open('ab') as log:
        process = subprocess.Popen(
            list(job.command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **job.env},
            cwd=job.cwd,
            pass_fds=tuple(keep_open),
        )
    task = bars.add_task(job.name, total=job.total, note='starting')
    return _Running(job, process, time.monotonic(), task)


def _show(bars: Progress, one: _Running, done: bool) -> None:
    amount, note = one.job.progress(time.monotonic() - one.start)
    if done:
        amount = one.job.total or 1
        bars.update(one.task, total=amount)
    bars.update(one.task, completed=amount, note=note)


def _end(processes: Sequence[subprocess.Popen]) -> None:
    """End processes and wait until they are gone."""
    alive = [process for process in processes if process.poll() is None]
    for process in alive:
        process.terminate()
    limit = time.monotonic() + _GRACE_SECONDS
    for process in alive:
        try:
            process.wait(max(0.1, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _failure(job: Job, code: int) -> str:
    how = f'exit code {code}'
    if code < 0:
        how = f'signal {signal.Signals(-code).name}'
        if -code == signal.SIGKILL:
            how += ' (often: out of memory; try --workers 1)'
    lines = job.log.read_text(encoding='utf-8', errors='replace').splitlines()
    tail = '\n'.join(f'  | {line[:200]}' for line in lines[-_LOG_LINES:])
    return (
        f'{job.name} failed with {how}. Its last lines:\n{tail}\n'
        f'Log: {job.log}\n'
        'After mending the cause, the same command goes on from here.'
    )
