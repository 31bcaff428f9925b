# SPDX-License-Identifier: Apache-2.0
"""Writing a cache of decoded images: parallel, resumable, verified."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import NamedTuple

import filelock
import mmcv
import numpy as np

from mmseg_da.utils.files import ensure_writable, write_json

from .cache_settings import CachePlan, resize_options
from .conversion.parallel import iter_jobs
from .image_files import decode_bgr, read_file
from .label_decoding import LabelDecoder

__all__ = ['build_cache']

# Rows between two points from which an interrupted run goes on.
_SAVE_EVERY = 128
_CHECKED_ROWS = 4


class _Row(NamedTuple):
    """One sample to write: its place, its files, its stem."""

    index: int
    image: str
    label: str | None
    name: str


def build_cache(
    plan: CachePlan,
    decoder: LabelDecoder | None,
    workers: int | None = None,
    title: str = 'cache',
) -> bool:
    """Write the cache of a plan, or finish one that was interrupted.

    Rows are written into a hidden folder beside the final one and marked
    when they are on the disk; the folder gets its name when all are there and
    a few have been compared with their source again.

    Args:
        plan: Files and settings.
        decoder: Of the label files; None for an unlabelled set.
        workers: Processes that decode; see :func:`iter_jobs`.
        title: Of the progress bar.

    Returns:
        False if a finished cache was there already.

    Raises:
        OSError: The folder cannot be written, or too little space.
        ValueError: Source files are damaged; the first are named.
    """
    root = ensure_writable(plan.folder.parent, 'cache.dir')
    with filelock.FileLock(root / f'.{plan.folder.name}.lock'):
        if (plan.folder / 'manifest.json').is_file():
            return False
        work = root / f'.{plan.folder.name}.partial'
        _prepare(work, plan)
        _fill(work, plan, decoder, workers, title)
        _verify(work, plan, decoder)
        (work / 'done.npy').unlink()
        os.replace(work / 'plan.json', work / 'manifest.json')
        os.replace(work, plan.folder)
    return True


def _prepare(work: Path, plan: CachePlan) -> None:
    """Make empty arrays, unless an earlier run of the same plan did."""
    path, manifest = work / 'plan.json', plan.manifest()
    if path.is_file() and json.loads(path.read_text()) == manifest:
        return
    if work.exists():
        shutil.rmtree(work)
    work.mkdir()
    free = shutil.disk_usage(work).free
    if free < plan.bytes:
        work.rmdir()
        raise OSError(
            f'cache.dir={str(work.parent)!r}: the cache needs '
            f'{plan.bytes / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free. '
            'Choose another folder or a smaller cache.scale.'
        )
    width, height = plan.settings['scale']
    shape = (len(plan.names), height, width)
    shapes = {'images': (*shape, 3), 'done': shape[:1]}
    if plan.labels:
        shapes['labels'] = shape
    for name, size in shapes.items():
        file = work / f'{name}.npy'
        np.lib.format.open_memmap(file, 'w+', np.uint8, size).flush()
    write_json(path, manifest)


def _array(work: Path, name: str) -> np.ndarray:
    return np.load(work / f'{name}.npy', mmap_mode='r+', allow_pickle=False)


def _fill(
    work: Path,
    plan: CachePlan,
    decoder: LabelDecoder | None,
    workers: int | None,
    title: str,
) -> None:
    done = _array(work, 'done')
    rows = [row for row in _rows(plan) if not done[row.index]]
    write = partial(_write_row, work, plan.settings, decoder)
    written, problems = [], []
    outcomes = iter_jobs(write, rows, workers, title)
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.error is None:
            written.append(row.index)
        else:
            problems.append(outcome.error)
        if len(written) == _SAVE_EVERY:
            _save(work, plan, done, written)
            written = []
    _save(work, plan, done, written)
    if problems:
        raise ValueError(
            f'{len(problems)} of {len(plan.names)} samples cannot be cached; '
            'the others are kept, the same command goes on. First:\n'
            + '\n'.join(problems[:3])
        )


def _rows(plan: CachePlan) -> list[_Row]:
    labels = plan.labels or [None] * len(plan.names)
    files = zip(plan.images, labels, plan.names, strict=True)
    return [_Row(i, *paths) for i, paths in enumerate(files)]


def _save(
    work: Path, plan: CachePlan, done: np.ndarray, written: list[int]
) -> None:
    """Put the rows on the disk, then mark them."""
    for name in ('images', 'labels') if plan.labels else ('images',):
        _array(work, name).flush()
    done[written] = 1
    done.flush()


def _write_row(
    work: Path, settings: dict, decoder: LabelDecoder | None, row: _Row
) -> None:
    image, labels = _decode(settings, decoder, row)
    _array(work, 'images')[row.index] = image
    if labels is not None:
        _array(work, 'labels')[row.index] = labels


def _decode(
    settings: dict, decoder: LabelDecoder | None, row: _Row
) -> tuple[np.ndarray, np.ndarray | None]:
    """BGR image (H, W, 3) and train ids (H, W) of a row, both uint8."""
    options = resize_options(settings)
    image = decode_bgr(read_file(row.image), row.image)
    resized = mmcv.imresize(image, **options)
    if decoder is None:
        return resized, None
    labels = decoder.decode(read_file(row.label), row.label)
    if labels.shape != image.shape[:2]:
        raise ValueError(
            f'{row.label}: label size {labels.shape[::-1]} differs from the '
            f'size {image.shape[1::-1]} of its image {row.image}. Leave the '
            f'pair out with skip_files=[{row.name!r}].'
        )
    options['interpolation'] = 'nearest'
    return resized, mmcv.imresize(labels, **options)


def _verify(work: Path, plan: CachePlan, decoder: LabelDecoder | None) -> None:
    """Compare a few evenly spaced rows with their source."""
    rows = _rows(plan)
    step = max(len(rows) // _CHECKED_ROWS, 1)
    for row in rows[::step]:
        image, labels = _decode(plan.settings, decoder, row)
        same = np.array_equal(_array(work, 'images')[row.index], image)
        if labels is not None:
            written = _array(work, 'labels')[row.index]
            same = same and np.array_equal(written, labels)
        if not same:
            raise ValueError(
                f'{work}: row {row.index} ({row.name}) differs from its '
                'source after writing. Did the source change meanwhile, or '
                'is the disk faulty? Delete this folder and start again.'
            )
