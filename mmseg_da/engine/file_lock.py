# SPDX-License-Identifier: Apache-2.0
"""A lock between processes that names its owner."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import filelock


class OwnedLock:
    """Exclusive lock on ``path`` with the owner's pid and host beside it.

    The kernel drops the lock when the owner dies, so one left by a dead
    process of this host is taken over. Locks of network file systems are not
    always seen by other hosts; an owner on another host is therefore
    respected.

    Args:
        path (Path): The lock file; its folder has to exist when acquired.
        what (str): What is locked, for the message.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.what = what
        self.owner_path = path.with_name(path.name + '.json')
        self._lock = filelock.FileLock(path)

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            ValueError: If another process holds it; names pid and host.
        """
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            raise self._taken() from None
        here = socket.gethostname()
        if self._owner().get('host', here) != here:
            self._lock.release()
            raise self._taken()
        owner = {'pid': os.getpid(), 'host': here}
        self.owner_path.write_text(json.dumps(owner), encoding='utf-8')

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._lock.is_locked:
            self.owner_path.unlink(missing_ok=True)
            # Before the release: afterwards it may be another owner's.
            Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    def _owner(self) -> dict:
        try:
            owner = json.loads(self.owner_path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return {}
        return owner if isinstance(owner, dict) else {}

    def _taken(self) -> ValueError:
        owner = self._owner()
        return ValueError(
            f'{self.what} is being written by process '
            f'{owner.get("pid", "?")} on host {owner.get("host", "?")}; wait '
            f'for it, or, if it no longer runs, delete {self.owner_path}'
        )
