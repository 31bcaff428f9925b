# SPDX-License-Identifier: Apache-2.0
"""Recognise a StreetWorld folder, whose counts its manifest tells."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mmseg_da.datasets.street_world.manifest import (
    GENERATOR_VERSION,
    read_manifest,
)

__all__ = ['StreetWorldFolder', 'street_world_of']


class StreetWorldFolder(NamedTuple):
    """What the manifest says about a data set's folder.

    Attributes:
        counts: Labelled frames per split.
        problem: What is wrong with the folder as a whole, '' if nothing.
    """

    counts: dict[str, int]
    problem: str


def street_world_of(data_root: str | None) -> StreetWorldFolder | None:
    """Look for the manifest of StreetWorld above a data root.

    Args:
        data_root: Root of a data set, e.g. ``data/street_world/gta``.

    Returns:
        None if the folder was not made by StreetWorld.
    """
    if not data_root:
        return None
    root = Path(data_root).absolute()
    for base in (root, *root.parents[:2]):
        try:
            manifest = read_manifest(base)
        except ValueError:
            # Any other program's manifest.json.
            continue
        if manifest is not None:
            return _entry(manifest, base, root)
    return None


def _entry(manifest: dict, base: Path, root: Path) -> StreetWorldFolder | None:
    folder = root.relative_to(base).as_posix()
    entries = [
        entry
        for entry in manifest['formats'].values()
        if entry['folder'] == folder
    ]
    if not entries:
        return None
    problem = ''
    version = manifest['settings'].get('version')
    if version != GENERATOR_VERSION:
        problem = (
            f'{base} was made by StreetWorld generator {version}, this is '
            f'{GENERATOR_VERSION}'
        )
    elif not all(entry.get('finished') for entry in entries):
        problem = f'{root} is unfinished: its generation was interrupted'
    return StreetWorldFolder(dict(entries[0]['counts']), problem)
