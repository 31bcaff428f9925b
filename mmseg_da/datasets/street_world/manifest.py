# SPDX-License-Identifier: Apache-2.0
"""``manifest.json`` of a StreetWorld folder: what it holds, what is done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .formats.encoding import encode_json
from .storage import write_atomic
from .world import WorldSettings

__all__ = [
    'GENERATOR_VERSION',
    'MANIFEST',
    'check_manifest',
    'open_manifest',
    'read_manifest',
    'save_manifest',
]

MANIFEST = 'manifest.json'
# Raise it whenever the same settings give other files.
GENERATOR_VERSION = 1
_KIND = 'StreetWorld'


def read_manifest(root: str | Path) -> dict[str, Any] | None:
    """Read the manifest of a folder.

    Args:
        root: StreetWorld folder.

    Returns:
        The manifest; None if there is none.

    Raises:
        ValueError: The file is no StreetWorld manifest.
    """
    path = Path(root) / MANIFEST
    try:
        manifest = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ValueError(
            f'{path} is not JSON ({error}); delete the folder and make it '
            'again'
        ) from None
    if not isinstance(manifest, dict) or manifest.get('kind') != _KIND:
        raise ValueError(
            f'{path} belongs to something else than StreetWorld; choose '
            'another folder'
        )
    return manifest


def save_manifest(root: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of a folder.

    Args:
        root: StreetWorld folder.
        manifest: Its manifest.
    """
    write_atomic(root / MANIFEST, encode_json(dict(manifest)))


def _differences(found: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Settings that differ, as ``found: a=1; asked: a=2``; '' if none do."""
    keys = [k for k in asked if found.get(k) != asked[k]]
    if not keys:
        return ''
    parts = (
        ', '.join(f'{key}={values.get(key)!r}' for key in keys)
        for values in (found, asked)
    )
    return 'found: {}; asked: {}'.format(*parts)


def open_manifest(root: Path, settings: WorldSettings) -> dict[str, Any]:
    """Begin or continue a folder.

    Args:
        root: Existing folder, empty or made by StreetWorld.
        settings: What it shall hold.

    Returns:
        The manifest, with the formats recorded so far.

    Raises:
        ValueError: The folder was made with other settings, by another
            version, or holds something else.
    """
    asked = {'version': GENERATOR_VERSION, **settings.as_dict()}
    manifest = read_manifest(root)
    if manifest is None:
        foreign = [p.name for p in root.iterdir() if p.name[0] != '.']
        if foreign:
            raise ValueError(
                f'{root} holds {foreign[0]!r} but no {MANIFEST}: it is not a '
                'StreetWorld folder; choose an empty or a new one'
            )
        manifest = {'kind': _KIND, 'settings': asked, 'formats': {}}
        save_manifest(root, manifest)
        return manifest
    differences = _differences(manifest['settings'], asked)
    if differences:
        raise ValueError(
            f'{root} was made with other settings ({differences}); choose '
            'another folder, pass the same settings, or delete it'
        )
    return manifest


def check_manifest(
    root: str | Path, formats: Iterable[str] = (), **expected: Any
) -> dict[str, Any]:
    """Check that a folder is finished and holds what is expected.

    Args:
        root: StreetWorld folder.
        formats: Formats that have to be finished.
        expected: Settings (fields of
            :class:`~mmseg_da.datasets.street_world.world.WorldSettings`) and
            the values that they have to have.

    Returns:
        The manifest.

    Raises:
        FileNotFoundError: There is no such folder or no manifest in it.
        ValueError: A format is missing or unfinished, the folder is of
            another generator version, or a setting differs.
    """
    manifest = read_manifest(root)
    make = 'make it with tools/make_street_world.py'
    if manifest is None:
        raise FileNotFoundError(
            f'{root} is not a StreetWorld folder (no {MANIFEST}); {make}'
        )
    if 'size' in expected:
        expected['size'] = list(expected['size'])
    unknown = sorted(set(expected) - set(WorldSettings().as_dict()))
    if unknown:
        raise ValueError(f'StreetWorld has no setting {unknown[0]!r}')
    differences = _differences(
        manifest['settings'], {'version': GENERATOR_VERSION, **expected}
    )
    if differences:
        raise ValueError(
            f'{root} is stale ({differences}); delete it and {make}'
        )
    for name in formats:
        if not manifest['formats'].get(name, {}).get('finished', False):
            state = 'unfinished' if name in manifest['formats'] else 'missing'
            raise ValueError(
                f'{root}: format {name!r} is {state}; {make} --formats {name}'
            )
    return manifest
