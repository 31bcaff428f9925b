# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of data: names, sizes and the last bytes of all files.

Reading all contents would take minutes on real data sets. The last bytes of a
PNG hold the checksum over all of its pixels, those of a member of an archive
its CRC is taken for; a JPEG that was changed early in its data, kept its size
and its end is not noticed. StreetWorld's settings are part of the
fingerprint, its images follow from them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset

from .paired_geometry import PairedGeometryDataset
from .zip_files import member_stamp, split_zip_path

_MANIFEST = 'manifest.json'
# A PNG ends with the checksums of its pixels and an empty chunk: 24 bytes.
_TAIL = 64


def digest_samples(dataset: Any) -> str:
    """Fingerprint of the samples that a built data set yields.

    Args:
        dataset: An mmseg data set, or a wrapper around some.

    Returns:
        64 hex digits over the files of every sample in order (names below
        ``data_root`` and sizes).
    """
    digest = hashlib.sha256()
    for part in plain_datasets(dataset):
        part.full_init()
        root = part.data_root or '.'
        digest.update(street_world_settings(root).encode())
        for index in range(len(part)):
            for key, path in _files_of(part.get_data_info(index)):
                name = os.path.relpath(path, root)
                _add(digest, key, name, content_stamp(path))
    return digest.hexdigest()


def digest_folder(folder: str | Path) -> str:
    """Fingerprint of all files below a folder, hidden ones left out.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f'data folder {folder} does not exist. Downloads: docs/data.md; '
            'without: tools/make_street_world.py'
        )
    digest = hashlib.sha256()
    for name in sorted(_listing(folder)):
        _add(digest, '', name, content_stamp(folder / name))
    return digest.hexdigest()


def street_world_settings(folder: str | Path) -> str:
    """Settings of the StreetWorld that a folder belongs to, as JSON.

    Returns:
        '' for a folder that is not part of one.
    """
    for parent in (Path(folder), *Path(folder).parents[:3]):
        try:
            text = (parent / _MANIFEST).read_text(encoding='utf-8')
            manifest = json.loads(text)
        except (OSError, ValueError):
            continue
        if (
            isinstance(manifest, dict)
            and manifest.get('kind') == 'StreetWorld'
        ):
            return json.dumps(manifest.get('settings'), sort_keys=True)
    return ''


def plain_datasets(dataset: Any) -> Iterator[BaseDataset]:
    """The data sets inside of wrappers such as ConcatDataset."""
    if hasattr(dataset, 'datasets'):
        for inner in dataset.datasets:
            yield from plain_datasets(inner)
    elif isinstance(dataset, PairedGeometryDataset):
        for inner in (dataset.target, dataset.source):
            yield from plain_datasets(inner)
    elif hasattr(dataset, 'dataset'):
        yield from plain_datasets(dataset.dataset)
    else:
        yield dataset


def _add(digest: Any, key: str, name: str, stamp: str) -> None:
    digest.update(f'{key}\0{Path(name).as_posix()}\0{stamp}\n'.encode())


def content_stamp(path: str | Path) -> str:
    """Size and content mark of a file, or of a member of an archive."""
    inside = split_zip_path(str(path))
    if inside:
        return repr(member_stamp(*inside))
    with open(path, 'rb') as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        return f'{size} {file.read().hex()}'


def _files_of(sample: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The paths in a sample, also those in lists."""
    for key in sorted(sample):
        value = sample[key]
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, str) and (
                os.path.isfile(item) or split_zip_path(item)
            ):
                yield key, item


def _listing(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name[0] != '.']
        for name in names:
            path = os.path.join(parent, name)
            if name[0] != '.' and os.path.isfile(path):
                yield os.path.relpath(path, folder)
