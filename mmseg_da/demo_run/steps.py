# SPDX-License-Identifier: Apache-2.0
"""Steps that are done once: finished ones are skipped, none is half done."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmseg_da.utils.files import write_json

try:
    import fcntl
except ImportError:  # Windows: no advisory locks, the caller is alone
    fcntl = None

_FORMAT = 'mmseg_da.demo_step'


class Step:
    """The folder of a step and the record that it was finished.

    The folder's name ends in a hash of the settings, so other settings get
    another folder and nothing is ever overwritten or deleted.

    Args:
        root: Folder of all steps.
        name: Step name, e.g. ``'train-oracle'``.
        settings: Everything that decides the result, as JSON values.
    """

    def __init__(self, root: Path, name: str, settings: Any) -> None:
        self.name = name
        self.key = hash_values([name, settings])
        self.settings = settings
        self.folder = root / f'{name}-{self.key[:8]}'
        self._record = self.folder / 'finished.json'
        self._spent = self.folder / 'spent.json'

    def result(self) -> dict[str, Any] | None:
        """What :meth:`finish` was given, None if the step is not finished.

        A step whose files are gone or have another size is not finished.
        """
        record = _read_json(self._record)
        if record.get('format') != _FORMAT or record.get('key') != self.key:
            return None
        for name, size in record['files'].items():
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != size:
                return None
        return record['result']

    def finish(self, result: dict[str, Any], files: Sequence[Path]) -> None:
        """Record that the step is finished.

        Args:
            result: JSON values.
            files: Files below the step's folder that later steps need.

        Raises:
            FileNotFoundError: A file was not made.
        """
        missing = [str(path) for path in files if not path.is_file()]
        if missing:
            raise FileNotFoundError(
                f'step {self.name} ended well but did not write {missing}; '
                f'see the log in {self.folder}'
            )
        sizes = {
            path.relative_to(self.folder).as_posix(): path.stat().st_size
            for path in files
        }
        content = {
            'format': _FORMAT,
            'key': self.key,
            'settings': self.settings,
            'files': sizes,
            'result': result,
        }
        write_json(self._record, content)

    def spent(self) -> float:
        """Seconds of earlier, interrupted starts."""
        return float(_read_json(self._spent).get('seconds', 0.0))

    def note_spent(self, seconds: float) -> None:
        """Remember the seconds of all starts so far."""
        write_json(self._spent, {'seconds': seconds})


def hash_values(values: Any) -> str:
    """SHA-256 of JSON values, independent of the order of keys."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_files(root: Path, files: Iterable[Path]) -> str:
    """SHA-256 of the names (relative to ``root``) and contents of files."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(root).as_posix().encode() + b'\0')
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[tuple[int, ...]]:
    """Be the only one who works in a folder.

    The lock belongs to the open file: children that inherit it keep it, so a
    training that outlives its killed parent still blocks a second start.

    Args:
        folder: An existing folder.

    Yields:
        The file descriptors to hand to children.

    Raises:
        ValueError: Another process holds the lock.
    """
    if fcntl is None:
        yield ()
        return
    path = folder / '.lock'
    with path.open('a+') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or 'unknown'
            raise ValueError(
                f'{folder} is in use by a demo (process {owner}) or by a '
                'training that it started. Wait until it has ended, or use '
                'another --out.'
            ) from None
        file.truncate(0)
        file.write(f'{os.getpid()}\n')
        file.flush()
        yield (file.fileno(),)


def _read_json(path: Path) -> dict[str, Any]:
    """Content of a JSON object file; empty if there is none."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
