# SPDX-License-Identifier: Apache-2.0
"""Listing of dataset folders and reading of split lists."""

from __future__ import annotations

import os
from collections import Counter

from .zip_files import list_folder, split_zip_path

__all__ = [
    'describe_content',
    'list_stems',
    'match_stems',
    'read_stem_list',
]


def list_stems(folder: str, suffix: str) -> list[str]:
    """List the files below a folder, at any depth, that end with a suffix.

    Args:
        folder: Existing folder, on disk or inside a zip archive.
        suffix: End of the file names, e.g. ``'_leftImg8bit.png'``; '' for
            every file.

    Returns:
        Sorted paths relative to the folder, with '/' and without the suffix.
    """
    return sorted(
        path[: len(path) - len(suffix)]
        for path in _walk(folder, '')
        if path.endswith(suffix)
    )


def describe_content(folder: str) -> str:
    """Say how many files of which extension are below a folder."""
    counts = Counter(
        os.path.splitext(path)[1] or '(no extension)'
        for path in _walk(folder, '')
    )
    if not counts:
        return 'it is empty'
    parts = [f'{n} x {suffix}' for suffix, n in counts.most_common(5)]
    return 'it holds ' + ', '.join(parts)


def _walk(folder: str, prefix: str) -> list[str]:
    place = split_zip_path(folder)
    if place is not None:
        return list_folder(*place)
    found: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith('.'):
                continue
            if entry.is_dir():
                found += _walk(entry.path, f'{prefix}{entry.name}/')
            else:
                found.append(prefix + entry.name)
    return found


def read_stem_list(path: str, suffix: str) -> list[str]:
    """Read a split list: one image per line, with or without its suffix.

    Only the first column of a line counts (some published lists name the
    label in a second one); empty lines and lines starting with '#' do not.

    Raises:
        FileNotFoundError: The list is missing.
        ValueError: The list is empty or names an image twice.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'list file {path} does not exist. Correct ann_file or indices '
            '(relative to data_root), or leave it out to use every image of '
            'the folder.'
        )
    with open(path, encoding='utf-8') as file:
        lines = [line.split() for line in file]
    names = [x[0] for x in lines if x and not x[0].startswith('#')]
    stems = [name.removesuffix(suffix) for name in names]
    if not stems:
        raise ValueError(
            f'list file {path} names no image. Expected one name per line.'
        )
    twice = [stem for stem, n in Counter(stems).items() if n > 1]
    if twice:
        raise ValueError(
            f'list file {path} names {len(twice)} images twice, e.g. '
            f'{twice[:3]}. Remove the doubles.'
        )
    return stems


def match_stems(
    wanted: list[str], available: list[str], origin: str
) -> list[int]:
    """Find listed images among the images of a folder.

    A listed name may be the full stem ('aachen/aachen_000000_000019'), a
    longer path that ends with it, or its last part if that is unique.

    Args:
        wanted: Names from a list.
        available: Stems of the folder.
        origin: Where the names come from, for errors.

    Returns:
        Positions in ``available``, in the order of ``wanted``.

    Raises:
        ValueError: A name is not found or fits several images.
    """
    position = {stem: i for i, stem in enumerate(available)}
    by_name: dict[str, list[int]] = {}
    for i, stem in enumerate(available):
        by_name.setdefault(stem.rpartition('/')[2], []).append(i)
    indices: list[int] = []
    missing: list[str] = []
    for name in wanted:
        if name in position:
            indices.append(position[name])
            continue
        candidates = by_name.get(name.rpartition('/')[2], [])
        if len(candidates) > 1:
            raise ValueError(
                f'{origin}: {name!r} fits several images, e.g. '
                f'{[available[i] for i in candidates[:3]]}. Write the path '
                'below the image folder.'
            )
        if candidates:
            indices.append(candidates[0])
        else:
            missing.append(name)
    if missing:
        raise ValueError(
            f'{origin}: {len(missing)} of {len(wanted)} listed images are not '
            f'in the folder, e.g. {missing[:3]}; the folder has '
            f'{len(available)} images, e.g. {available[:2]}. Is this the '
            'list of another dataset or split, or is the download incomplete?'
        )
    return indices
