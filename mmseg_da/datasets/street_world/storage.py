# SPDX-License-Identifier: Apache-2.0
"""Files of a generated folder: atomic writes, completeness, one writer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmseg_da.utils.files import atomic_write

try:
    import fcntl
except ImportError:  # Windows: no advisory locks, the caller is alone
    fcntl = None

__all__ = ['folder_lock', 'is_complete', 'remove_leftovers', 'write_atomic']

_LEFTOVERS = '.*.tmp'  # names of mmseg_da.utils.files.atomic_write
# What the last bytes of a complete file look like.
_TAILS = {'.png': b'IEND\xaeB`\x82', '.jpg': b'\xff\xd9', '.json': b'}\n'}


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing.

    Args:
        path: The file; missing parent folders are made.
        data: Its content.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def is_complete(path: Path) -> bool:
    """Whether a file exists and ends where its type says it should.

    Writes are atomic, so only a full disk or a power cut leaves a torn file;
    the check reads the last bytes, not the whole file.

    Args:
        path: A PNG, JPEG, JSON or NPY file; other types need only be there
            and not be empty.
    """
    try:
        if path.suffix == '.npy':
            np.load(path, mmap_mode='r', allow_pickle=False)
            return True
        tail = _TAILS.get(path.suffix, b'')
        size = path.stat().st_size
        if size <= len(tail):
            return False
        with path.open('rb') as file:
            file.seek(size - len(tail))
            return file.read() == tail
    except (OSError, ValueError):
        return False


def remove_leftovers(root: Path) -> None:
    """Delete the unfinished parts that a killed run left behind.

    Args:
        root: Generated folder; no other process may be writing into it, see
            :func:`folder_lock`.
    """
    for part in root.rglob(_LEFTOVERS):
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_lock(root: Path) -> Iterator[None]:
    """Let one process at a time make a folder; others wait for it.

    The lock dies with its process, so a killed run leaves nothing to clean.
    File systems without locks are used without one.

    Args:
        root: Existing folder; ``<root>/.lock`` is kept in it.
    """
    with (root / '.lock').open('a') as file:
        if fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
