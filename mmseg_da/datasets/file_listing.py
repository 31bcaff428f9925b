# SPDX-License-Identifier: Apache-2.0
"""Listing of dataset folders, split lists and label-subset files."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Sequence

from mmengine.logging import print_log

__all__ = [
    'describe_content',
    'list_stems',
    'match_stems',
    'read_stem_list',
    'read_subset',
    'resolve_indices',
]


def list_stems(folder: str, suffix: str) -> list[str]:
    """List the files below a folder, at any depth, that end with a suffix.

    Args:
        folder: Existing folder.
        suffix: End of the file names, e.g. ``'_leftImg8bit.png'``.

    Returns:
        Sorted paths relative to the folder, with '/' and without the suffix.
    """
    return sorted(
        path[: -len(suffix)]
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


def read_subset(path: str, available: list[str], suffix: str) -> list[int]:
    """Read a label-subset file.

    Args:
        path: '.json' with a list of positions in the sorted image list or of
            names; any other file is a list of names, one per line.
        available: Sorted stems of the images.
        suffix: Image suffix, may follow the listed names.

    Returns:
        Positions in ``available``.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: Broken file, or positions or names that do not exist.
    """
    if not path.endswith('.json') or not os.path.isfile(path):
        stems = read_stem_list(path, suffix)
        return match_stems(stems, available, path)
    with open(path, encoding='utf-8') as file:
        try:
            items = json.load(file)
        except json.JSONDecodeError as error:
            raise ValueError(f'{path} is no valid JSON: {error}') from error
    if isinstance(items, list) and items:
        if all(isinstance(x, str) for x in items):
            names = [x.removesuffix(suffix) for x in items]
            return match_stems(names, available, path)
        if all(type(x) is int for x in items):
            _check_positions(items, len(available), path)
            return items
    raise ValueError(
        f'{path}: expected a non-empty JSON list of positions or of image '
        f'names, got {str(items)[:60]}'
    )


def _check_positions(indices: list[int], length: int, origin: str) -> None:
    """Raise ValueError if a position is outside ``0..length - 1``."""
    wrong = [i for i in indices if not 0 <= i < length]
    if wrong:
        raise ValueError(
            f'{origin}: {len(wrong)} positions are outside 0..{length - 1}, '
            f'e.g. {wrong[:3]}; the dataset has {length} images. Is the '
            'download complete and the list meant for this split?'
        )


def resolve_indices(
    indices: int | Sequence[int] | str | None,
    stems: list[str],
    suffix: str,
    data_root: str | None,
    title: str,
) -> int | list[int] | None:
    """Turn a dataset's ``indices`` argument into what mmengine understands.

    Args:
        indices: First n, positions, path of a subset file (as it stands or
            below ``data_root``), or None for everything.
        stems: Sorted stems of the images.
        suffix: Image suffix.
        data_root: Root folder of the dataset.
        title: Name of the dataset, for messages.

    Raises:
        FileNotFoundError: The subset file is missing.
        ValueError: See :func:`read_subset`.
    """
    if isinstance(indices, str):
        below_root = os.path.join(data_root or '', indices)
        path = indices if os.path.isfile(indices) else below_root
        return read_subset(path, stems, suffix)
    if isinstance(indices, int) and indices > len(stems):
        print_log(
            f'{title}: indices={indices} asks for more than the {len(stems)} '
            'images there are; all are used.',
            'current',
            level=logging.WARNING,
        )
    if indices is None or isinstance(indices, int):
        return indices
    _check_positions(list(indices), len(stems), f'{title}, indices')
    return list(indices)
