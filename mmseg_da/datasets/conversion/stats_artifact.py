# SPDX-License-Identifier: Apache-2.0
"""Class statistics as artefacts: made once, resumable, checked when read."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.dist import get_dist_info

from mmseg_da.engine.artifacts import Artifact, ArtifactStore
from mmseg_da.engine.hashing import make_producer

from ..base_dataset import RawSegDataset
from .class_stats import ClassStats, count_labels
from .label_files import LabelFiles

__all__ = [
    'KIND',
    'default_key',
    'load_class_stats',
    'make_class_stats',
    'stems_of',
    'store_class_stats',
]

KIND = 'class_stats'
_CHUNK = 256


def default_key(dataset: RawSegDataset) -> str:
    """Name of a dataset's statistics, e.g. 'gta-all-cityscapes19'.

    A part of the images has a name of its own, so that labels outside a
    label budget are never looked at.
    """
    key = f'{dataset.dataset_name}-{dataset.split or "all"}'
    key = f'{key}-{dataset.view.name}'
    if dataset._indices is None and not dataset.ann_file:
        return key
    stems = stems_of(dataset)
    digest = hashlib.sha256('\n'.join(stems).encode()).hexdigest()
    return f'{key}-{len(stems)}-{digest[:8]}'


def stems_of(dataset: RawSegDataset) -> list[str]:
    """Stems of the images of a dataset, in its order."""
    every = range(len(dataset))
    return [dataset.get_data_info(i)['sample_stem'] for i in every]


def make_class_stats(
    files: LabelFiles,
    store: ArtifactStore,
    key: str,
    workers: int | None = None,
    overwrite: bool = False,
    clear: bool = False,
) -> ClassStats:
    """Count label files into an artefact, or go on where it stopped.

    In a distributed run every process has to call it; they share the work.

    Args:
        files: What to count.
        store: Artefact store.
        key: Name of the artefact.
        workers: Processes, see ``iter_jobs``.
        overwrite: Replace a finished artefact.
        clear: Throw away a half-written one of another origin.

    Raises:
        FileExistsError: It is finished.
        ValueError: A faulty label file, or no pixel of any class.
    """
    rank, world = get_dist_info()
    every = range(len(files.names))
    chunks = [every[i : i + _CHUNK] for i in every[::_CHUNK]]
    with store.writer(
        KIND,
        key,
        make_producer(files.fingerprint()),
        class_view=files.view.name,
        meta=_meta(files.names, files.view.classes, files.folder),
        overwrite=overwrite,
        clear=clear,
    ) as writer:
        todo = {
            f'counts/{i:05d}.npz': chunk
            for i, chunk in enumerate(chunks)
            if i % world == rank and f'counts/{i:05d}.npz' not in writer.done
        }
        positions = [i for chunk in todo.values() for i in chunk]
        rows = iter(count_labels(files, positions, workers))
        marks = files.marks()
        for name, chunk in todo.items():
            counts = np.stack([next(rows) for _ in chunk])
            names = [files.names[i] for i in chunk]
            picked = [marks[i] for i in chunk]
            writer.write(name, {name: _pack(names, counts, picked)})
    return load_class_stats(store, key)


def store_class_stats(
    stats: ClassStats,
    store: ArtifactStore,
    key: str,
    origin: str,
    overwrite: bool = False,
    clear: bool = False,
    producer: Mapping[str, str] | None = None,
) -> None:
    """Store counts that come from elsewhere.

    Args:
        stats: The counts.
        store: Artefact store.
        key: Name of the artefact.
        origin: Where they come from, for the manifest.
        overwrite, clear: See :func:`make_class_stats`.
        producer: Hashes of what made them; None is the origin's.
    """
    producer = dict(producer or make_producer({'origin': origin}))
    meta = {
        **_meta(stats.names, stats.classes),
        'origin': origin,
        'unit': stats.unit,
    }
    with store.writer(
        KIND,
        key,
        producer,
        class_view=stats.class_view,
        meta=meta,
        overwrite=overwrite,
        clear=clear,
    ) as writer:
        name = 'counts/00000.npz'
        content = _pack(stats.names, stats.counts, stats.marks)
        writer.write(name, {name: content})


def load_class_stats(
    store: ArtifactStore, key: str, class_view: str | None = None
) -> ClassStats:
    """Read an artefact of class statistics.

    Args:
        store: Artefact store.
        key: Its name.
        class_view: The view it has to have.

    Raises:
        FileNotFoundError: It was never made or not finished.
        ValueError: It is of another view or an older version, damaged, or
            without any pixel.
    """
    expect = {} if class_view is None else {'class_view': class_view}
    artifact = store.open(KIND, key, expect)
    names, counts, marks = _unpack(artifact)
    _check_content(artifact, len(names), counts)
    meta = artifact.manifest['meta']
    return ClassStats(
        names,
        counts,
        artifact.manifest['class_view'],
        tuple(meta['classes']),
        marks,
        meta.get('folder', ''),
        meta.get('unit', 'pixels'),
    )


def _unpack(artifact: Artifact) -> tuple[tuple, np.ndarray, tuple]:
    """Names, counts and content marks of all images."""
    names: list[str] = []
    marks: list[str] = []
    blocks = []
    for name, path in artifact.files.items():
        if name.startswith('counts/'):
            with np.load(path, allow_pickle=False) as content:
                if 'marks' not in content:
                    raise ValueError(
                        f'artefact {artifact.path}: an older version wrote '
                        'it, without the marks of its files; make it anew'
                    )
                names += content['names'].tolist()
                marks += content['marks'].tolist()
                blocks.append(content['counts'])
    return tuple(names), np.concatenate(blocks), tuple(marks)


def _check_content(
    artifact: Artifact, number: int, counts: np.ndarray
) -> None:
    meta = artifact.manifest['meta']
    expected = (meta['num_images'], len(meta['classes']))
    if counts.shape != expected or number != expected[0]:
        raise ValueError(
            f'artefact {artifact.path}: {number} names and counts of shape '
            f'{counts.shape}, expected {expected}; make it anew'
        )
    if not counts.any():
        raise ValueError(
            f'artefact {artifact.path}: no pixel of any class; were the '
            'labels of another dataset or class view counted?'
        )


def _meta(
    names: Sequence[str], classes: Sequence[str], folder: str = ''
) -> dict:
    return dict(num_images=len(names), classes=list(classes), folder=folder)


def _pack(
    names: Sequence[str], counts: np.ndarray, marks: Sequence[str]
) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        names=np.array(names, dtype=np.str_),
        counts=counts,
        marks=np.array(marks, dtype=np.str_),
    )
    return buffer.getvalue()
