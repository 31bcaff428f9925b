# SPDX-License-Identifier: Apache-2.0
"""Zip archives for the transforms of mmcv and mmseg."""

from __future__ import annotations

import os

from mmengine import fileio
from mmengine.fileio import BaseStorageBackend, register_backend

from .zip_files import is_file, is_folder, read_member, split_zip_path

__all__ = ['ZipBackend']


@register_backend('zip')
class ZipBackend(BaseStorageBackend):
    """mmengine file backend for files inside zip archives.

    The suite's own loaders need no backend: a path through an archive is
    enough. For transforms of mmcv give
    ``backend_args=dict(backend='zip')``. Archives are opened when first
    used, once per process, and listed through their central directory. Paths
    that lead through no archive, and URLs, are read as without this backend,
    so that one pipeline serves all.

    Args:
        archive: Archive that relative paths lie in. By default the path
            itself leads through the archive.
    """

    def __init__(self, archive: str | None = None) -> None:
        self.archive = archive

    def _place(self, filepath: str | os.PathLike) -> tuple[str, str]:
        path = os.fspath(filepath)
        if self.archive is not None:
            path = f'{self.archive}/{path}'
        place = split_zip_path(path)
        if place is None:
            raise ValueError(
                f"backend 'zip': {path} does not lead through a .zip file. "
                'Write <archive>.zip/<path inside> or give backend_args='
                "dict(backend='zip', archive='<archive>.zip')."
            )
        return place

    def get(self, filepath: str | os.PathLike) -> bytes:
        """Content of a file, see :func:`read_member`."""
        if self.archive is None and split_zip_path(filepath) is None:
            return fileio.get(filepath)
        return read_member(*self._place(filepath))

    def get_text(
        self, filepath: str | os.PathLike, encoding: str = 'utf-8'
    ) -> str:
        """Content of a text file."""
        return self.get(filepath).decode(encoding)

    def isdir(self, filepath: str | os.PathLike) -> bool:
        """Whether there is such a folder in the archive."""
        return is_folder('/'.join(self._place(filepath)))

    def isfile(self, filepath: str | os.PathLike) -> bool:
        """Whether there is such a file in the archive."""
        archive, member = self._place(filepath)
        return is_file(archive, member)

    def exists(self, filepath: str | os.PathLike) -> bool:
        """Whether there is such a file or folder in the archive."""
        return self.isfile(filepath) or self.isdir(filepath)
