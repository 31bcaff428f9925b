# SPDX-License-Identifier: Apache-2.0
"""Reading of list files that choose some images of a set."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass

from .file_listing import match_stems, read_stem_list

__all__ = ['check_positions', 'read_subset']


@dataclass(frozen=True)
class _SubsetFile:
    """Content of a list file.

    Attributes:
        positions: Positions in the sorted images, or None.
        names: Stems, or None.
        num_images: Length of the set the positions were made for, or None.
        ranked: Whether the order is a ranking, so that its head is a subset.
    """

    positions: list[int] | None
    names: list[str] | None
    num_images: int | None = None
    ranked: bool = True


def read_subset(
    path: str, available: list[str], suffix: str, count: int | None = None
) -> list[int]:
    """Read a label-subset file.

    Args:
        path: '.json' with a list of positions in the sorted image list or of
            names, or an object with 'positions' or 'names' and optionally
            'num_images' (refused for another number of images) and 'order'
            ('ranking' or 'sorted'); any other file is a list of names, one
            per line.
        available: Sorted stems of the images.
        suffix: Image suffix, may follow the listed names.
        count: Use only the head of the list.

    Returns:
        Positions in ``available``, in the order of the file.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: Broken file, positions or names that do not exist or
            stand twice, or a list made for another number of images.
    """
    if path.endswith('.json') and os.path.isfile(path):
        content = _parse_json(path, suffix)
    else:
        content = _SubsetFile(None, read_stem_list(path, suffix))
    if content.num_images not in (None, len(available)):
        raise ValueError(
            f'{path} holds positions in a sorted list of '
            f'{content.num_images} images, but the dataset has '
            f'{len(available)}. Complete the download, or take a part of '
            "what is there, e.g. indices='fraction:1/8:seed42'."
        )
    if content.names is not None:
        positions = match_stems(content.names, available, path)
    else:
        positions = content.positions
    check_positions(positions, len(available), path)
    return (
        positions if count is None else _head(positions, count, content, path)
    )


def _head(
    positions: list[int], count: int, content: _SubsetFile, path: str
) -> list[int]:
    if not content.ranked:
        raise ValueError(
            f'{path} is no ranking, so its first {count} entries are no '
            'subset of their own; choose a smaller list or fraction:...'
        )
    if not 0 < count <= len(positions):
        raise ValueError(
            f'{path}: {count} entries asked for, it has {len(positions)}'
        )
    return positions[:count]


def _parse_json(path: str, suffix: str) -> _SubsetFile:
    with open(path, encoding='utf-8') as file:
        try:
            content = json.load(file)
        except json.JSONDecodeError as error:
            raise ValueError(f'{path} is no valid JSON: {error}') from error
    fields = content if isinstance(content, dict) else {'positions': content}
    items = fields.get('positions') or fields.get('names')
    number = fields.get('num_images')
    ranked = fields.get('order', 'ranking') == 'ranking'
    if isinstance(items, list) and items:
        if all(isinstance(x, str) for x in items):
            names = [x.removesuffix(suffix) for x in items]
            return _SubsetFile(None, names, None, ranked)
        if all(type(x) is int for x in items):
            return _SubsetFile(items, None, number, ranked)
    raise ValueError(
        f'{path}: expected a non-empty JSON list of positions or of image '
        f"names, or an object with 'positions' or 'names'; got "
        f'{str(content)[:60]}'
    )


def check_positions(indices: list[int], length: int, origin: str) -> None:
    """Raise ValueError for positions outside ``0..length - 1`` or doubles."""
    wrong = [i for i in indices if not 0 <= i < length]
    if wrong:
        raise ValueError(
            f'{origin}: {len(wrong)} positions are outside 0..{length - 1}, '
            f'e.g. {wrong[:3]}; the dataset has {length} images. Is the '
            'download complete and the list meant for this split?'
        )
    twice = [i for i, n in Counter(indices).items() if n > 1]
    if twice:
        raise ValueError(
            f'{origin}: {len(twice)} positions stand twice, e.g. {twice[:3]}. '
            'Remove the doubles.'
        )
