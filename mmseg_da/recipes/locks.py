# SPDX-License-Identifier: Apache-2.0
"""Locks that outlive a killed owner as long as its children run."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType

try:
    import fcntl
except ImportError:  # Windows: no advisory locks, the caller is alone
    fcntl = None

_WAIT_SECONDS = 5.0


class StageLock:
    """Exclusive lock on a file that names its owner.

    The kernel ties it to the open file, which child processes inherit: it is
    free again when the owner and its children are gone, however they ended.

    Args:
        path: Lock file; its folder is made.
        what: What is locked, for the message.
        wait: Seconds to wait for it; a child of a killed owner takes a
            moment to end.
    """

    def __init__(
        self, path: Path, what: str, wait: float = _WAIT_SECONDS
    ) -> None:
        self.path = path
        self.what = what
        self.wait = wait
        self._file = None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What children have to inherit."""
        return () if self._file is None else (self._file.fileno(),)

    def __enter__(self) -> StageLock:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            ValueError: Another process holds it; names the owner.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open('a+', encoding='utf-8')
        if fcntl is not None and not self._locked(file):
            file.seek(0)
            owner = _owner(file.read())
            file.close()
            raise ValueError(
                f'{self.what} is in use by {owner}, or by a process that it '
                'started. Wait for it, or end it; the same call then goes on.'
            )
        file.truncate(0)
        owner = {'pid': os.getpid(), 'host': socket.gethostname()}
        file.write(json.dumps(owner))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def _locked(self, file) -> bool:
        limit = time.monotonic() + self.wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > limit:
                    return False
                time.sleep(0.05)
            else:
                return True


def _owner(text: str) -> str:
    try:
        owner = json.loads(text)
        return f'process {int(owner["pid"])} on host {owner["host"]}'
    except (ValueError, KeyError, TypeError):
        return 'another process'
