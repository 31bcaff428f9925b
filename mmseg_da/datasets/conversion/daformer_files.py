# SPDX-License-Identifier: Apache-2.0
"""Class statistics in the JSON files of DAFormer and MIC.

``sample_class_stats.json``: list of ``{"<train id>": pixels, "file": path}``;
``sample_class_stats_dict.json``: ``{path: {"<train id>": pixels}}``;
``samples_with_class.json``: ``{"<train id>": [[path, pixels], ...]}``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from mmseg_da.utils.files import atomic_write

from ..class_views import ClassView
from .class_stats import ClassStats

__all__ = ['export_daformer', 'import_daformer']

_SUFFIXES = ('_gtFine_labelTrainIds.png', '_labelTrainIds.png', '.png')


def export_daformer(
    stats: ClassStats, folder: str | Path, suffix: str = '_labelTrainIds.png'
) -> list[Path]:
    """Write the three files.

    Args:
        stats: The counts.
        folder: Where to; DAFormer looks in the root of the dataset.
        suffix: Added to the image names; DAFormer matches the base names of
            its label files (Cityscapes: '_gtFine_labelTrainIds.png').

    Returns:
        The files.
    """
    samples, by_path = [], {}
    with_class: dict[str, list] = {}
    for name, row in zip(stats.names, stats.counts, strict=True):
        path = name + suffix
        present = {str(i): int(row[i]) for i in np.flatnonzero(row)}
        samples.append({**present, 'file': path})
        by_path[path] = present
        for key, pixels in present.items():
            with_class.setdefault(key, []).append([path, pixels])
    contents = {
        'sample_class_stats.json': samples,
        'sample_class_stats_dict.json': by_path,
        'samples_with_class.json': with_class,
    }
    for name, content in contents.items():
        with atomic_write(Path(folder) / name) as temporary:
            temporary.write_text(json.dumps(content), encoding='utf-8')
    return [Path(folder) / name for name in contents]


def import_daformer(path: str | Path, view: ClassView) -> ClassStats:
    """Read ``sample_class_stats.json``.

    Args:
        path: The file, or the folder that holds it.
        view: Class view of its train ids.

    Returns:
        Counts; the names are the paths without the known label suffixes.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It is not such a file, or has ids outside the view.
    """
    path = Path(path)
    if path.is_dir():
        path = path / 'sample_class_stats.json'
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        rows = {_name(x['file']): _row(x, view.num_classes) for x in content}
    except FileNotFoundError:
        raise FileNotFoundError(
            f'{path} does not exist; expected the sample_class_stats.json '
            "of DAFormer's or MIC's dataset converters"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path}: is no sample_class_stats.json of class view '
            f'{view.name!r} ({error}); expected a list of '
            f'{{"<train id 0..{view.num_classes - 1}>": pixels, "file": path}}'
        ) from None
    if not rows or len(rows) < len(content):
        raise ValueError(
            f'{path}: names {len(content)} files, {len(rows)} different ones'
        )
    return ClassStats(
        tuple(rows), np.stack(list(rows.values())), view.name, view.classes
    )


def _name(path: str) -> str:
    for suffix in _SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix)
    return path


def _row(entry: dict, num_classes: int) -> np.ndarray:
    row = np.zeros(num_classes, np.int64)
    for key, pixels in entry.items():
        if key == 'file':
            continue
        if not 0 <= int(key) < num_classes or type(pixels) is not int:
            raise ValueError(f'entry {key!r}: {pixels!r}')
        row[int(key)] = pixels
    return row
