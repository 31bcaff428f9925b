# SPDX-License-Identifier: Apache-2.0
"""Files that stages hand to each other, with a manifest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .artifact_writer import HEADER, JOURNAL, ArtifactWriter
from .hashing import hash_file

FORMAT_VERSION = 1
KINDS = (
    'pseudo_labels',
    'entropy_ranking',
    'class_stats',
    'flow',
    'disparity',
    'source_density',
    'label_selection',
)
# Predicted by a network.
_PREDICTED = ('pseudo_labels', 'entropy_ranking', 'disparity')
MANIFEST = 'manifest.json'
VERIFY_LEVELS = ('size', 'full')
_KEY = re.compile(r'[A-Za-z0-9][A-Za-z0-9._-]*')
_RESERVED = ('.partial', '.lock', '.old')


@dataclass(frozen=True)
class Artifact:
    """A finished artefact.

    Attributes:
        path (Path): Its folder.
        manifest (dict): ``kind``, ``key``, ``format_version``, ``producer``,
            ``class_view``, ``sizes``, ``count``, ``meta`` and ``files``
            (relative path -> ``{'size': bytes, 'sha256': hex}``).
    """

    path: Path
    manifest: dict[str, Any]

    @property
    def files(self) -> dict[str, Path]:
        """dict[str, Path]: Relative name -> path, sorted by name."""
        return {n: self.path / n for n in sorted(self.manifest['files'])}


class ArtifactStore:
    """Artefacts as ``<root>/<kind>/<key>/{files, manifest.json}``.

    Args:
        root (str or Path): Folder of the store; made when first written.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def folder(self, kind: str, key: str) -> Path:
        """Return the folder of a finished artefact.

        Raises:
            ValueError: If the kind is unknown or the key is no plain name.
        """
        if kind not in KINDS:
            raise ValueError(
                f'artefact kind {kind!r} is unknown; allowed: '
                f'{", ".join(KINDS)}'
            )
        if not _KEY.fullmatch(key) or key.endswith(_RESERVED):
            raise ValueError(
                f'artefact key {key!r}: use letters, digits, ".", "_" and '
                f'"-" only, and no ending of {", ".join(_RESERVED)}'
            )
        return self.root / kind / key

    def command(self, kind: str, key: str) -> str:
        """Return the command that makes an artefact."""
        network = ''
        if kind in _PREDICTED:
            network = ' --config CONFIG --checkpoint CHECKPOINT'
        return (
            f'python tools/make_artifact.py {kind} --key {key} '
            f'--root {self.root}{network}'
        )

    def writer(
        self,
        kind: str,
        key: str,
        producer: Mapping[str, str],
        class_view: str | None = None,
        sizes: Sequence[int] | None = None,
        meta: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        clear: bool = False,
    ) -> ArtifactWriter:
        """Write an artefact, or go on with an interrupted one.

        Files go into ``<key>.partial``; the manifest is written last and the
        folder renamed, so that nothing half-written is taken for finished.
        In distributed runs every process enters the context.

        Args:
            kind (str): One of ``KINDS``.
            key (str): Name of the artefact, e.g. the config's name.
            producer (Mapping[str, str]): From ``make_producer``.
            class_view (str, optional): Name of the class view.
            sizes (Sequence[int], optional): (width, height) in pixels.
            meta (Mapping, optional): More facts, JSON values.
            overwrite (bool): Replace a finished artefact. Defaults to False.
            clear (bool): Throw away a half-written artefact of another
                producer instead of refusing. Defaults to False.

        Returns:
            ArtifactWriter: A context manager.
        """
        header = {
            'kind': kind,
            'key': key,
            'format_version': FORMAT_VERSION,
            'producer': dict(producer),
            'class_view': class_view,
            'sizes': None if sizes is None else list(sizes),
            'meta': dict(meta or {}),
        }
        # As it will be read back: lists for tuples.
        header = json.loads(json.dumps(header))
        return ArtifactWriter(
            self.folder(kind, key), header, overwrite=overwrite, clear=clear
        )

    def is_finished(
        self, kind: str, key: str, expect: Mapping[str, Any] | None = None
    ) -> bool:
        """Return whether a valid artefact is there, so a stage can skip."""
        self.folder(kind, key)
        try:
            self.open(kind, key, expect)
        except (FileNotFoundError, ValueError):
            return False
        return True

    def open(
        self,
        kind: str,
        key: str,
        expect: Mapping[str, Any] | None = None,
        verify: str = 'size',
        command: str = '',
    ) -> Artifact:
        """Check an artefact and return it.

        Args:
            kind (str): One of ``KINDS``.
            key (str): Its name.
            expect (Mapping, optional): Manifest entries that have to be
                equal, e.g. ``class_view='cityscapes19'``, or
                ``producer=dict(checkpoint=...)`` (only the given hashes are
                compared).
            verify (str): 'size' compares number and sizes of the files;
                'full' their SHA-256 too. Defaults to 'size'.
            command (str): What makes it, for the messages. Defaults to '',
                what :meth:`command` knows.

        Returns:
            Artifact: Folder and manifest.

        Raises:
            FileNotFoundError: If it was never made or not finished.
            ValueError: If it is foreign, stale, or was changed afterwards.
        """
        if verify not in VERIFY_LEVELS:
            raise ValueError(
                f'verify={verify!r}; allowed: {", ".join(VERIFY_LEVELS)}'
            )
        folder = self.folder(kind, key)
        command = command or self.command(kind, key)
        if not (folder / MANIFEST).is_file():
            raise _missing(folder, command)
        manifest = _read_manifest(folder / MANIFEST, kind, key)
        remake = f'make it anew: {command} --overwrite'
        _check_expected(folder, manifest, expect or {}, remake)
        _check_files(folder, manifest['files'], verify == 'full', remake)
        return Artifact(folder, manifest)


def _missing(folder: Path, command: str) -> FileNotFoundError:
    if folder.with_name(folder.name + '.partial').is_dir():
        return FileNotFoundError(
            f'artefact {folder} was interrupted before it was finished; '
            f'the same command goes on where it stopped: {command}'
        )
    return FileNotFoundError(
        f'artefact {folder} is missing; make it with: {command}'
    )


def _read_manifest(path: Path, kind: str, key: str) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
        found = {k: manifest[k] for k in ('kind', 'key', 'format_version')}
        _check_layout(manifest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path} is not a manifest of mmseg-da ({error!r}); delete its '
            'folder and make the artefact anew'
        ) from None
    expected = {'kind': kind, 'key': key, 'format_version': FORMAT_VERSION}
    if found != expected:
        raise ValueError(
            f'{path} describes {found}, expected {expected}; it was made by '
            'another version or put into the wrong folder: make it anew'
        )
    return manifest


def _check_layout(manifest: dict[str, Any]) -> None:
    int(manifest['count'])
    dict(manifest['producer'])
    for name, entry in manifest['files'].items():
        int(entry['size'])
        str(entry['sha256'])
        if PurePosixPath(name).is_absolute() or '..' in name.split('/'):
            raise ValueError(f'{name} lies outside the folder')


def _check_expected(
    folder: Path,
    manifest: dict[str, Any],
    expect: Mapping[str, Any],
    remake: str,
) -> None:
    for name, wanted in expect.items():
        found = manifest.get(name)
        if isinstance(wanted, Mapping) and isinstance(found, Mapping):
            found = {key: found.get(key) for key in wanted}
            wanted = dict(wanted)
        elif isinstance(wanted, tuple):
            wanted = list(wanted)
        if found != wanted:
            raise ValueError(
                f'artefact {folder} is stale: its {name} is {found}, '
                f'expected {wanted}; {remake}'
            )


def _check_files(
    folder: Path, files: dict[str, dict], full: bool, remake: str
) -> None:
    bad = []
    for name, entry in files.items():
        path = folder / name
        if not path.is_file():
            bad.append(f'{name} is missing')
        elif path.stat().st_size != entry['size']:
            bad.append(
                f'{name} has {path.stat().st_size} bytes, not {entry["size"]}'
            )
        elif full and hash_file(path) != entry['sha256']:
            bad.append(f'{name} was edited (other SHA-256)')
    extra = _file_names(folder) - files.keys()
    bad += [f'{name} is not in the manifest' for name in sorted(extra)]
    if bad:
        raise ValueError(
            f'artefact {folder} was changed after it was finished: '
            f'{"; ".join(bad[:3])} ({len(bad)} problems); {remake}'
        )


def _file_names(folder: Path) -> set[str]:
    """Return the artefact's own files, without those of the store."""
    names = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob('*')
        if path.is_file()
    }
    own = {MANIFEST, HEADER}
    return {n for n in names - own if not n.startswith(JOURNAL + '/')}
