# SPDX-License-Identifier: Apache-2.0
"""The folder of a stage: what was asked, what came out, what it cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmseg_da.engine.hashing import hash_file
from mmseg_da.utils.files import write_json

from .identity import Identity
from .locks import StageLock

VERSION = 1
_FORMAT = 'mmseg_da.stage'
_ROOT_FORMAT = 'mmseg_da.recipes'
_ROOT_FILE = 'recipes.json'
_OWN = ('records', 'stages')


@dataclass(frozen=True)
class Result:
    """What a finished stage left.

    Attributes:
        outputs: Name of an output to its file or folder.
        seconds: Wall time, all starts together.
        peak_mib: Peak memory.
    """

    outputs: Mapping[str, Path]
    seconds: float | None
    peak_mib: float | None


class StageFolder:
    """Folder of one stage: ``stage.json``, ``finished.json``, ``log.txt``.

    Args:
        path: The folder.
        identity: What it has to belong to.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self.path = path
        self.identity = identity
        self.work_dir = path / 'work'
        self.log = path / 'log.txt'
        self._head = path / 'stage.json'
        self._end = path / 'finished.json'
        self._spent = path / 'spent.json'

    def lock(self) -> StageLock:
        """The lock that whoever writes here holds."""
        path = self.path.with_name(f'.{self.path.name}.lock')
        return StageLock(path, f'stage {self.path}')

    def begin(self) -> None:
        """Note what is asked, before anything is written.

        Raises:
            ValueError: The folder belongs to something else.
        """
        self.check_owner()
        content = {
            'format': _FORMAT,
            'version': VERSION,
            'key': self.identity.key,
            'loose_key': self.identity.loose_key,
            'parts': self.identity.parts,
        }
        if not self._head.is_file():
            write_json(self._head, content)

    def check_owner(self) -> None:
        """Check that the folder is new or of this identity.

        Raises:
            ValueError: It belongs to something else.
        """
        if not self.path.exists():
            return
        found = read_head(self.path)
        # A kill while stage.json was written leaves a hidden file.
        visible = (p for p in self.path.iterdir() if p.name[0] != '.')
        if found is None and any(visible):
            raise ValueError(
                f'{self.path} is not a stage of mmseg-da, or its stage.json '
                'was lost; move it away, then call again'
            )
        if found is not None and found['key'] != self.identity.key:
            raise ValueError(
                f'{self.path} was made from other settings (key '
                f'{found["key"][:8]}, asked for {self.identity.key[:8]}); '
                'move it away or use another --work-root'
            )

    @property
    def begun(self) -> bool:
        """Whether a start left something to go on from."""
        return self._head.is_file()

    @property
    def finished(self) -> bool:
        """Whether it once finished; its files may have changed since."""
        content = _read(self._end)
        return content.get('key') == self.identity.key

    def damage(self, full: bool = False) -> str:
        """What happened to the outputs since the stage finished.

        Args:
            full: Compare the hashes of all files; else those of JSON files
                (records, manifests), and of others the sizes.

        Returns:
            '' if they are as they were.
        """
        for name, entry in _read(self._end).get('files', {}).items():
            path = self.path / name
            if not path.is_file():
                return f'{name} was deleted'
            if path.stat().st_size != entry['size']:
                return f'{name} was edited (another size)'
            exact = full or path.suffix == '.json'
            if exact and hash_file(path) != entry['sha256']:
                return f'{name} was edited (another SHA-256)'
        return ''

    def result(self) -> Result | None:
        """What came out; None unless finished and intact."""
        if not self.finished or self.damage():
            return None
        content = _read(self._end)
        outputs = {k: self.path / v for k, v in content['outputs'].items()}
        return Result(outputs, content['seconds'], content['peak_mib'])

    def finish(
        self,
        outputs: Mapping[str, Path],
        files: list[Path],
        seconds: float,
        peak_mib: float | None,
    ) -> None:
        """Record that the stage is finished.

        Args:
            outputs: Name to file or folder, below this folder.
            files: Files that must not change from now on.
            seconds: Wall time, all starts together.
            peak_mib: Peak memory.
        """
        described = {
            self._name(path): {
                'size': path.stat().st_size,
                'sha256': hash_file(path),
            }
            for path in files
        }
        content = {
            'key': self.identity.key,
            'outputs': {k: self._name(p) for k, p in outputs.items()},
            'files': described,
            'seconds': seconds,
            'peak_mib': peak_mib,
        }
        write_json(self._end, content)

    def set_aside(self) -> Path:
        """Move a damaged folder away, so that nothing is lost."""
        number = 1
        while True:
            target = self.path.with_name(f'{self.path.name}.damaged{number}')
            if not target.exists():
                return self.path.rename(target)
            number += 1

    @property
    def spent(self) -> tuple[float, float]:
        """Seconds and peak memory (MiB) of the starts so far."""
        content = _read(self._spent)
        return content.get('seconds', 0.0), content.get('peak_mib', 0.0)

    def note_spent(self, seconds: float, peak_mib: float) -> None:
        """Remember seconds and peak memory of all starts so far."""
        write_json(self._spent, {'seconds': seconds, 'peak_mib': peak_mib})

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()


def read_head(folder: Path) -> dict[str, Any] | None:
    """Read ``stage.json``; None if there is none that is whole."""
    content = _read(folder / 'stage.json')
    keys = {'key', 'loose_key', 'parts'}
    if content.get('format') != _FORMAT or not keys <= content.keys():
        return None
    return content


def open_root(root: Path, write: bool = True) -> None:
    """Check that a folder is, or can become, a work root.

    Raises:
        ValueError: It holds something else, or is of another version.
    """
    if set(str(root)) & set(',[](){}'):
        raise ValueError(
            f'work folder {str(root)!r}: --cfg-options cannot carry paths '
            'with commas or brackets; use another --work-root'
        )
    mark = root / _ROOT_FILE
    if mark.is_file():
        content = _read(mark)
        head = (content.get('format'), content.get('version'))
        if head != (_ROOT_FORMAT, VERSION):
            raise ValueError(
                f'{root} is a work folder of format {head[0]!r}, version '
                f'{head[1]!r}; this mmseg-da writes {_ROOT_FORMAT!r}, version '
                f'{VERSION}. Use another --work-root.'
            )
        return
    others = [p.name for p in root.iterdir()] if root.is_dir() else []
    others = sorted(n for n in others if n[0] != '.' and n not in _OWN)
    if others:
        raise ValueError(
            f'{root} holds {others[0]!r} and is no work folder of recipes; '
            'use an empty or new --work-root'
        )
    if write:
        content = {'format': _ROOT_FORMAT, 'version': VERSION}
        write_json(mark, content)


def _read(path: Path) -> dict[str, Any]:
    """Content of a JSON object file; empty if there is none."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
