# SPDX-License-Identifier: Apache-2.0
"""Write an artefact so that it can be interrupted at any moment."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from mmengine.dist import barrier, get_rank

from mmseg_da.utils.main_process import main_process_first

from .file_lock import OwnedLock
from .hashing import hash_file

HEADER = 'header.json'
JOURNAL = '.journal'


class ArtifactWriter:
    """Context manager that fills ``<key>.partial`` and finishes it.

    Every process of a distributed run enters it and keeps its own journal of
    finished items; on leaving without an error, rank 0 merges the journals
    into the manifest and renames the folder. After an error, or SIGKILL, the
    next run with the same producer finds what is done in :attr:`done`.

    Args:
        target (Path): The folder of the finished artefact.
        header (dict): The manifest without ``files`` and ``count``.
        overwrite (bool): Whether a finished artefact is replaced.
        clear (bool): Whether a half-written artefact of another producer is
            thrown away instead of refused.

    Raises:
        FileExistsError: On entry, if the artefact is finished.
        ValueError: On entry, if another process writes it or a half-written
            one has another producer.
    """

    def __init__(
        self,
        target: Path,
        header: dict[str, Any],
        overwrite: bool,
        clear: bool,
    ) -> None:
        self.target = target
        self.folder = target.with_name(target.name + '.partial')
        self.header = header
        self.overwrite = overwrite
        self.clear = clear
        self._lock = OwnedLock(
            target.with_name(target.name + '.lock'), f'artefact {target}'
        )
        self._rank = get_rank()
        self._records: dict[str, dict] = {}

    @property
    def done(self) -> frozenset[str]:
        """frozenset[str]: Items that need not be made again."""
        return frozenset(self._records)

    def path(self, name: str) -> Path:
        """Return where to write a file; makes its folder.

        Args:
            name (str): Relative POSIX path inside the artefact.

        Raises:
            ValueError: If the name leaves the artefact or is reserved.
        """
        parts = PurePosixPath(name)
        reserved = (HEADER, JOURNAL, 'manifest.json')
        if (
            parts.is_absolute()
            or '..' in parts.parts
            or parts.parts[:1] == ()
            or parts.parts[0] in reserved
        ):
            raise ValueError(
                f'artefact file {name!r}: use a relative path without ".." '
                f'that is not one of {", ".join(reserved)}'
            )
        path = self.folder / parts
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, item: str, files: Mapping[str, bytes]) -> None:
        """Write an item's files whole and record it as finished.

        Args:
            item (str): Name of the item, e.g. an image's stem.
            files (Mapping[str, bytes]): Relative path -> content.
        """
        for name, content in files.items():
            path = self.path(name)
            temporary = path.with_name(f'{path.name}.{self._rank}.tmp')
            temporary.write_bytes(content)
            os.replace(temporary, path)
        self.add(item, list(files))

    def add(self, item: str, names: Sequence[str]) -> None:
        """Record an item whose files are written completely.

        Args:
            item (str): Name of the item.
            names (Sequence[str]): Its files, relative to the artefact.
        """
        record = _describe_all(self.folder, names)
        line = json.dumps({'item': item, 'files': record})
        with self._journal().open('a', encoding='utf-8') as file:
            file.write(line + '\n')
        self._records[item] = record

    def __enter__(self) -> ArtifactWriter:
        main_process_first(self._open)
        self._records = _read_journals(self.folder)
        # A torn last line must not swallow the first new one.
        if self._journal().exists():
            with self._journal().open('a', encoding='utf-8') as file:
                file.write('\n')
        barrier()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                barrier()
                main_process_first(self._finish)
        finally:
            self._lock.release()

    def _journal(self) -> Path:
        return self.folder / JOURNAL / f'{self._rank}.jsonl'

    def _open(self) -> None:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            self._prepare()
        except BaseException:
            self._lock.release()
            raise

    def _prepare(self) -> None:
        if self.target.exists() and not self.overwrite:
            raise FileExistsError(
                f'artefact {self.target} is finished; use it, or replace it '
                'with --overwrite'
            )
        if self.folder.exists():
            found = _read_header(self.folder / HEADER)
            if found == self.header:
                return
            if not self.clear and found is not None:
                raise self._foreign(found)
            shutil.rmtree(self.folder)
        (self.folder / JOURNAL).mkdir(parents=True)
        _write_json(self.folder / HEADER, self.header)

    def _foreign(self, found: dict) -> ValueError:
        keys = [k for k, v in self.header.items() if found.get(k) != v]
        then = {k: found.get(k) for k in keys}
        now = {k: self.header[k] for k in keys}
        return ValueError(
            f'{self.folder} is a half-written artefact of another producer: '
            f'{then}, now {now}; go on with the same config and checkpoint, '
            'or start anew with --clear'
        )

    def _finish(self) -> None:
        records = _read_journals(self.folder)
        files = {}
        for record in records.values():
            files.update(record)
        _remove_strays(self.folder, files)
        manifest = {
            **self.header,
            'count': len(records),
            'files': dict(sorted(files.items())),
        }
        _write_json(self.folder / 'manifest.json', manifest)
        old = self.target.with_name(self.target.name + '.old')
        shutil.rmtree(old, ignore_errors=True)
        if self.target.exists():
            os.replace(self.target, old)
        os.replace(self.folder, self.target)
        # Only now: a crash before the renaming must be able to resume.
        shutil.rmtree(self.target / JOURNAL)
        (self.target / HEADER).unlink()
        shutil.rmtree(old, ignore_errors=True)


def _describe_all(folder: Path, names: Iterable[str]) -> dict[str, dict]:
    return {
        name: {
            'size': (folder / name).stat().st_size,
            'sha256': hash_file(folder / name),
        }
        for name in names
    }


def _read_header(path: Path) -> dict | None:
    try:
        header = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    return header if isinstance(header, dict) else None


def _read_journals(folder: Path) -> dict[str, dict]:
    """Return the finished items whose files are all there and whole."""
    records = {}
    for journal in sorted((folder / JOURNAL).glob('*.jsonl')):
        for line in journal.read_text(encoding='utf-8').splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # torn by a crash
            item, files = entry['item'], entry['files']
            if records.setdefault(item, files) != files:
                # Two processes made it; what lies there now counts.
                records[item] = _describe_all(folder, files)
    return {i: r for i, r in records.items() if _is_whole(folder, r)}


def _is_whole(folder: Path, record: dict[str, dict]) -> bool:
    return all(
        (folder / name).is_file()
        and (folder / name).stat().st_size == entry['size']
        for name, entry in record.items()
    )


def _remove_strays(folder: Path, files: Mapping[str, Any]) -> None:
    """Delete what an interrupted run left without recording it."""
    for path in folder.rglob('*'):
        name = path.relative_to(folder).as_posix()
        kept = name in files or name == HEADER
        kept = kept or name.startswith(JOURNAL + '/')
        if path.is_file() and not kept:
            path.unlink()


def _write_json(path: Path, content: dict) -> None:
    temporary = path.with_name(path.name + '.tmp')
    with temporary.open('w', encoding='utf-8') as file:
        json.dump(content, file, indent=1)
        file.write('\n')
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
