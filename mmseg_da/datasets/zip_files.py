# SPDX-License-Identifier: Apache-2.0
"""Files inside zip archives, read where they lie.

A path may lead through an archive as through a folder::

    data/cityscapes/leftImg8bit_trainvaltest.zip/leftImg8bit/train/aachen/...

A ``*`` in the archive's name joins several archives, for downloads that come
in parts: ``data/gta/*_images.zip/images/00001.png``.
"""

from __future__ import annotations

import difflib
import glob
import os
import threading
import zipfile
import zlib

__all__ = [
    'describe_archive',
    'is_file',
    'is_folder',
    'list_folder',
    'member_stamp',
    'read_member',
    'split_zip_path',
]


def split_zip_path(path: str | os.PathLike) -> tuple[str, str] | None:
    """Split a path that leads through a zip archive.

    Args:
        path: Any path.

    Returns:
        Path of the archive (or pattern of archives) and path inside it, or
        None if no component but an ordinary folder ends in '.zip'.
    """
    parts = os.fspath(path).replace(os.sep, '/').split('/')
    for i, part in enumerate(parts):
        if part.lower().endswith('.zip'):
            archive = '/'.join(parts[: i + 1])
            if not os.path.isdir(archive):
                inside = [x for x in parts[i + 1 :] if x not in ('', '.')]
                return archive, '/'.join(inside)
    return None


class _ZipTree:
    """The files of one or several archives, and their open handles."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.members: dict[str, zipfile.ZipFile] = {}
        for path in _archives(pattern):
            archive = _open(path)
            for info in archive.infolist():
                if not info.is_dir():
                    self.members.setdefault(info.filename, archive)
        self.folders = {
            name[:i]
            for name in self.members
            for i, character in enumerate(name)
            if character == '/'
        }

    def _archive_of(self, member: str) -> zipfile.ZipFile:
        archive = self.members.get(member)
        if archive is None:
            raise FileNotFoundError(self._missing(member))
        return archive

    def info(self, member: str) -> zipfile.ZipInfo:
        """What the central directory says about a file."""
        return self._archive_of(member).getinfo(member)

    def read(self, member: str) -> bytes:
        """Content of a file, see :func:`read_member`."""
        archive = self._archive_of(member)
        try:
            return archive.read(member)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise ValueError(
                f'{archive.filename}: the member {member} cannot be read: '
                f'{error or type(error).__name__}. The archive is damaged; '
                'download it again (unzip -t lists all damaged members).'
            ) from error
        except (RuntimeError, NotImplementedError) as error:
            raise ValueError(
                f'{archive.filename}: the member {member} is encrypted or '
                f'packed in a way that Python cannot read ({error}). Unpack '
                'the archive and point data_root at the folder.'
            ) from error

    def _missing(self, member: str) -> str:
        near = difflib.get_close_matches(member, self.members, n=1)
        hint = f' Nearest: {near[0]}.' if near else ''
        return (
            f'{self.pattern}: no member {member} among {len(self.members)}; '
            f'it holds {self.top()}.{hint} Is this the right archive?'
        )

    def top(self) -> str:
        """The first entries of the archive's uppermost level."""
        names = sorted({name.split('/')[0] for name in self.members})
        more = ', ...' if len(names) > 5 else ''
        return (', '.join(names[:5]) + more) or 'nothing'


def _archives(pattern: str) -> list[str]:
    folder, name = os.path.split(pattern)
    found = [pattern]
    if '*' in name:
        found = sorted(glob.glob(os.path.join(glob.escape(folder), name)))
    if not found or not os.path.isfile(found[0]):
        folder = folder or '.'
        raise FileNotFoundError(
            f'zip archive {pattern} does not exist. Archives in {folder}: '
            f'{sorted(glob.glob("*.zip", root_dir=folder))[:5]}'
        )
    return found


def _open(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(
            f'{path}: no readable zip archive ({error}; '
            f'{os.path.getsize(path)} bytes). Is the download complete? '
            'Download it again.'
        ) from error


class _OpenTrees:
    """Opened archives of this process.

    A forked process must not share the file positions of its parent, so the
    trees belong to a process id; a spawned one starts with none.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._trees: dict[str, tuple[tuple, _ZipTree]] = {}

    def get(self, pattern: str, fresh: bool = True) -> _ZipTree:
        """The archives of a pattern; ``fresh``: as they are on disk now."""
        if self._owner != os.getpid():
            self._lock = threading.Lock()
            self._owner, self._trees = os.getpid(), {}
        with self._lock:
            if not fresh and pattern in self._trees:
                return self._trees[pattern][1]
            stamp = tuple(map(_stamp, _archives(pattern)))
            known = self._trees.get(pattern)
            if known is None or known[0] != stamp:
                known = stamp, _ZipTree(pattern)
                self._trees[pattern] = known
            return known[1]


def _stamp(path: str) -> tuple[str, int, int]:
    status = os.stat(path)
    return path, status.st_size, status.st_mtime_ns


_OPEN = _OpenTrees()


def read_member(archive: str, member: str) -> bytes:
    """Read a file out of an archive; its checksum is verified.

    Args:
        archive: Path or pattern, see :func:`split_zip_path`.
        member: Path inside the archive, with '/'.

    Raises:
        FileNotFoundError: No such archive or member.
        ValueError: Broken archive, damaged or encrypted member.
    """
    return _OPEN.get(archive, fresh=False).read(member)


def member_stamp(archive: str, member: str) -> str:
    """Size and checksum of a file inside an archive, as text.

    Raises:
        FileNotFoundError: No such archive or member.
    """
    info = _OPEN.get(archive).info(member)
    return f'{info.file_size} {info.CRC:08x}'


def is_folder(path: str) -> bool:
    """Whether a path is a folder, on disk or inside an archive.

    Args:
        path: Any path.

    Raises:
        ValueError: The path leads through a file that is no zip archive.
    """
    place = split_zip_path(path)
    if place is None:
        return os.path.isdir(path)
    try:
        tree = _OPEN.get(place[0])
    except FileNotFoundError:
        return False
    return not place[1] or place[1] in tree.folders


def is_file(archive: str, member: str) -> bool:
    """Whether an archive holds a file of that path."""
    return member in _OPEN.get(archive).members


def list_folder(archive: str, folder: str) -> list[str]:
    """Files below a folder of an archive, at any depth, without hidden ones.

    Args:
        archive: Path or pattern of archives.
        folder: Folder inside; '' for everything.

    Returns:
        Paths relative to the folder.
    """
    start = f'{folder}/' if folder else ''
    names = [
        name[len(start) :]
        for name in _OPEN.get(archive).members
        if name.startswith(start)
    ]
    return [
        name
        for name in names
        if not any(x.startswith(('.', '__MACOSX')) for x in name.split('/'))
    ]


def describe_archive(path: str) -> str:
    """What an archive on this path holds, for messages; '' without one."""
    place = split_zip_path(path)
    try:
        _archives(place[0] if place else '')
    except FileNotFoundError:
        return ''
    return f' The archive {place[0]} holds: {_OPEN.get(place[0]).top()}.'
