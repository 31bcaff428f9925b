# SPDX-License-Identifier: Apache-2.0
"""Writing files so that nothing half-written is taken for finished."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path and move it to ``path`` when the block ends well.

    The temporary file lies in the same folder, so the move is one step of
    the file system; after an error it is removed and ``path`` is as before.

    Args:
        path: File to write; its folder is made if needed.

    Yields:
        The temporary path to write to; its name starts with a dot.

    Raises:
        OSError: The folder cannot be made or written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Write plain values as strict JSON, atomically.

    NaN and infinities, which JSON does not have, become ``null``.

    Args:
        path: File to write.
        content: Dicts, lists, strings, numbers, booleans, None.

    Raises:
        OSError: The file cannot be written.
        TypeError: A value is of another type.
    """
    text = json.dumps(_finite(content), indent=1, allow_nan=False)
    with atomic_write(path) as temporary:
        temporary.write_text(text + '\n', encoding='utf-8')


def _finite(value: Any) -> Any:
    """Replace the floats that JSON does not know by None."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def ensure_writable(folder: str | Path, key: str) -> Path:
    """Make a folder if needed and check that files can be written there.

    Args:
        folder: The folder.
        key: What the user calls it, e.g. ``'--work-dir'``; for the message.

    Returns:
        The absolute path.

    Raises:
        OSError: It cannot be made or written; the message names both.
    """
    folder = Path(folder).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise type(error)(
            f'{key}: cannot write to {str(folder)!r} '
            f'({error.strerror or error}). Give another folder or change '
            'its permissions.'
        ) from error
    return folder
