# SPDX-License-Identifier: Apache-2.0
"""Names and files of pseudo labels and rankings, for writers and readers.

An artefact of kind ``entropy_ranking`` or ``pseudo_labels`` holds
``labels/<image name without suffix>.png``: 8 bit, one channel, train ids and
255. A ranking adds ``easy_split.txt`` and ``hard_split.txt`` (one image per
line, ascending score, the format of IntraDA's code) and ``scores.csv``.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from .class_views import IGNORE_INDEX
from .image_files import check_complete, parse_png_header

__all__ = [
    'EASY_LIST',
    'HARD_LIST',
    'LABEL_FOLDER',
    'SCORES_FILE',
    'check_flat_names',
    'decode_pseudo_label',
    'encode_label',
    'encode_palette_view',
    'format_list',
    'format_scores',
    'image_name',
    'png_bytes',
    'read_ranking',
]

EASY_LIST = 'easy_split.txt'
HARD_LIST = 'hard_split.txt'
SCORES_FILE = 'scores.csv'
LABEL_FOLDER = 'labels'
_COLUMNS = ('name', 'mean_entropy', 'normaliser', 'score')


def image_name(path: str) -> str:
    """Name of an image's pseudo label, without folder and suffix.

    Args:
        path: Path of the image, or its entry in a list.
    """
    return os.path.splitext(os.path.basename(path))[0]


def check_flat_names(entries: Iterable[str]) -> None:
    """Refuse images whose pseudo labels would be the same file.

    Args:
        entries: List entries, e.g. 'aachen/aachen_000000_000019_left.png'.

    Raises:
        ValueError: Two have the same file name; names both.
    """
    first: dict[str, str] = {}
    for entry in entries:
        known = first.setdefault(image_name(entry), entry)
        if known != entry:
            raise ValueError(
                f'{known} and {entry} have the same file name, and pseudo '
                'labels lie in one flat folder. Rename one of them, or rank '
                'the folders one after the other.'
            )


def encode_label(ids: np.ndarray) -> bytes:
    """Train ids (H, W), uint8, as an 8-bit PNG of mode L."""
    return png_bytes(ids)


def encode_palette_view(
    ids: np.ndarray, palette: Sequence[Sequence[int]]
) -> bytes:
    """The same indices as a PNG of mode P, unlisted indices black.

    Args:
        ids: Train ids (H, W), uint8.
        palette: RGB of every class, channels in [0, 255].
    """
    image = Image.fromarray(ids)
    flat = [channel for color in palette for channel in color]
    image.putpalette(flat + [0] * (768 - len(flat)))
    return _png(image)


def png_bytes(pixels: np.ndarray) -> bytes:
    """Grey (H, W) or RGB (H, W, 3) pixels, uint8, as a PNG."""
    return _png(Image.fromarray(np.ascontiguousarray(pixels)))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format='PNG')
    return buffer.getvalue()


def decode_pseudo_label(
    data: bytes, path: str, num_classes: int
) -> np.ndarray:
    """Read a pseudo label; its values are train ids already.

    Args:
        data: Bytes of the PNG.
        path: Its name, for errors.
        num_classes: Allowed are 0..num_classes - 1 and 255.

    Returns:
        Train ids (H, W), uint8.

    Raises:
        ValueError: Damaged, not an 8-bit grey PNG (a colour view), or a value
            out of range.
    """
    check_complete(data, path)
    header = parse_png_header(data, path)
    if (header.kind, header.bits) != ('grey', 8):
        hint = ''
        if header.kind in ('RGB', 'RGBA', 'palette'):
            hint = ' It looks like a colour view: name the folder of labels.'
        raise ValueError(
            f'{path}: this PNG is {header}; pseudo labels are 8-bit grey, '
            f'the value is the train id.{hint}'
        )
    with Image.open(io.BytesIO(data)) as image:
        ids = np.array(image, np.uint8)
    wrong = (ids >= num_classes) & (ids != IGNORE_INDEX)
    if wrong.any():
        raise ValueError(
            f'{path}: value {ids[wrong][0]} in {int(wrong.sum())} pixels; '
            f'allowed are the train ids 0..{num_classes - 1} and '
            f'{IGNORE_INDEX}. Was it made with another class view, or are '
            'these raw label ids?'
        )
    return ids


def format_list(entries: Iterable[str]) -> bytes:
    """A split list: one entry per line, also the last one ends."""
    return ''.join(f'{entry}\n' for entry in entries).encode()


def format_scores(rows: Iterable[tuple[str, float, float, float]]) -> bytes:
    """``scores.csv``, exact to the last bit.

    Args:
        rows: Name, mean entropy, normaliser and score, in ascending order.
    """
    buffer = io.StringIO(newline='')
    writer = csv.writer(buffer, lineterminator='\n')
    writer.writerow(_COLUMNS)
    for name, *numbers in rows:
        writer.writerow([name, *map(repr, numbers)])
    return buffer.getvalue().encode()


def read_ranking(path: str) -> list[str]:
    """Entries of a ``scores.csv``, easiest first.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It has other columns or no rows.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'{path} is missing; easy_ratio needs the scores of a ranking'
        )
    with open(path, encoding='utf-8', newline='') as file:
        rows = list(csv.reader(file))
    if len(rows) < 2 or tuple(rows[0]) != _COLUMNS:
        raise ValueError(
            f'{path}: expected the columns {", ".join(_COLUMNS)} and one row '
            f'per image, got {rows[:1]}; rank anew'
        )
    return [row[0] for row in rows[1:]]
