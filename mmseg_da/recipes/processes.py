# SPDX-License-Identifier: Apache-2.0
"""Child processes of stages: they log to a file and end with their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmseg_da.utils.process_memory import peak_memory_mib

_LOG_LINES = 12
_LINE_WIDTH = 200
_GRACE_SECONDS = 15
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == 'linux' else None


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: Exit code; negative for a signal.
        peak_mib: Peak resident memory.
    """

    code: int
    peak_mib: float


class Child:
    """A running command whose output is appended to a log.

    Args:
        command: Program and arguments.
        log: Log file.
        env: Variables added to the environment.
        keep_open: File descriptors that it inherits (locks).
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str],
        keep_open: Sequence[int] = (),
    ) -> None:
        self.start = time.monotonic()
        self._peak_mib = 0.0
        with log.open('ab') as file:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                pass_fds=tuple(keep_open),
                preexec_fn=_end_with_parent if _LIBC else None,
            )

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.monotonic() - self.start

    def poll(self) -> Ended | None:
        """How it ended; None while it runs. Measures its memory too."""
        now = peak_memory_mib(self._process.pid)
        self._peak_mib = max(self._peak_mib, now)
        pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if pid == 0:
            return None
        code = os.waitstatus_to_exitcode(status)
        self._process.returncode = code
        unit = 2**20 if sys.platform == 'darwin' else 2**10
        return Ended(code, self._peak_mib or usage.ru_maxrss / unit)

    def stop(self) -> None:
        """End it, gently first."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _end_with_parent() -> None:
    """Let the kernel end this process when the one that started it dies."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def describe_failure(code: int, log: Path) -> str:
    """Exit code, last lines and path of a log, and a hint where possible."""
    how = f'exit code {code}'
    if code < 0:
        how = f'signal {signal.Signals(-code).name}'
    lines = log.read_text(encoding='utf-8', errors='replace').splitlines()
    tail = [line[:_LINE_WIDTH] for line in lines[-_LOG_LINES:]]
    text = '\n'.join(f'  | {line}' for line in tail)
    hint = ''
    if any('No space left on device' in line for line in lines[-50:]):
        hint = '\nThe disk is full: free some space.'
    elif -code == signal.SIGKILL:
        hint = '\nOften this means: out of memory; try --parallel 1.'
    return f'failed with {how}. Its last lines:\n{text}\nLog: {log}{hint}'
