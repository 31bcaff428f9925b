# SPDX-License-Identifier: Apache-2.0
"""How many pixels of every class every image has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..base_dataset import RawSegDataset
from ..class_views import ClassView
from ..image_files import read_file
from ..label_decoding import LabelDecoder
from .label_files import LabelFiles, labels_in_folder, labels_of_dataset
from .parallel import iter_jobs

__all__ = [
    'ClassStats',
    'class_stats_of',
    'class_stats_of_folder',
    'count_labels',
]


@dataclass(frozen=True)
class ClassStats:
    """Class pixel counts of labelled images.

    Attributes:
        names: Stem of every image, e.g. 'aachen/aachen_000000_000019'.
        counts: int64 array of shape (images, classes), pixels; ignored
            pixels are not counted. With unit 'share' float64, the part of
            all pixels of the class that lie in the image.
        class_view: Name of the class view.
        classes: Its class names.
        marks: Content mark of every counted file, see
            :meth:`LabelFiles.marks`; () if the counts come from elsewhere.
        folder: Folder of the counted files, for messages.
        unit: 'pixels' or 'share'.
    """

    names: tuple[str, ...]
    counts: np.ndarray
    class_view: str
    classes: tuple[str, ...]
    marks: tuple[str, ...] = ()
    folder: str = ''
    unit: str = 'pixels'

    def rows_of(self, stems: Sequence[str]) -> np.ndarray:
        """Counts of the given images.

        A stem is looked up as a whole and, failing that, by its last part.

        Args:
            stems: Stems of a dataset.

        Returns:
            Array of shape (len(stems), classes), see ``counts``.

        Raises:
            ValueError: Images without statistics, or a last part that fits
                several.
        """
        return self.counts[self._positions(stems)]

    def unused(self, stems: Sequence[str]) -> list[str]:
        """Names of the statistics that belong to none of the given images.

        Raises:
            ValueError: See :meth:`rows_of`.
        """
        used = set(self._positions(stems))
        return [x for i, x in enumerate(self.names) if i not in used]

    def check_files(self, files: LabelFiles) -> None:
        """Check that label files are the ones that were counted.

        Args:
            files: Label files of all or some of the images.

        Raises:
            ValueError: Their content is another one, or see :meth:`rows_of`.
        """
        if not self.marks:
            return
        counted = [self.marks[i] for i in self._positions(files.names)]
        pairs = zip(files.paths, files.marks(), counted, strict=True)
        wrong = [path for path, mark, other in pairs if mark != other]
        if wrong:
            raise ValueError(
                f'the class statistics were counted in {self.folder}, but '
                f'{len(wrong)} of {len(files.paths)} label files in '
                f'{files.folder} have another content, e.g. {wrong[0]}. Give '
                'this data set statistics (a key) of its own, or make them '
                'anew with --overwrite.'
            )

    def _positions(self, stems: Sequence[str]) -> list[int]:
        whole = {name: i for i, name in enumerate(self.names)}
        parts: dict[str, list[int]] = {}
        for i, name in enumerate(self.names):
            parts.setdefault(name.rpartition('/')[2], []).append(i)
        found, missing = [], []
        for stem in stems:
            fits = parts.get(stem.rpartition('/')[2], [])
            if stem in whole:
                found.append(whole[stem])
            elif len(fits) == 1:
                found.append(fits[0])
            else:
                missing.append(stem)
        if missing:
            used = set(found)
            unknown = [x for i, x in enumerate(self.names) if i not in used]
            raise ValueError(
                f'{len(missing)} of {len(stems)} images have no class '
                f'statistics, e.g. {missing[:5]}; the statistics are of '
                f'{len(self.names)} images, {len(unknown)} of them others, '
                f'e.g. {unknown[:5]}. They belong to another dataset, split '
                'or list: make them anew.'
            )
        return found


def count_labels(
    files: LabelFiles,
    positions: Sequence[int],
    workers: int | None = None,
) -> Iterable[np.ndarray]:
    """Count some of the files.

    Args:
        files: Where they are.
        positions: Which of them.
        workers: Processes, see ``iter_jobs``.

    Yields:
        int64 array of shape (classes,) per file, in the given order.

    Raises:
        ValueError: A file is faulty.
    """
    count = partial(_count_file, files.decoder, files.view.num_classes)
    paths = [files.paths[i] for i in positions]
    for outcome in iter_jobs(count, paths, workers, f'{files.title}'):
        if outcome.error:
            raise ValueError(outcome.error)
        yield outcome.value


def _count_file(
    decoder: LabelDecoder, num_classes: int, path: str
) -> np.ndarray:
    labels = decoder.decode(read_file(path), path)
    counts = np.bincount(labels.ravel(), minlength=256)
    return counts[:num_classes].astype(np.int64)


def _stats_of(files: LabelFiles, workers: int | None) -> ClassStats:
    counts = list(count_labels(files, range(len(files.names)), workers))
    return ClassStats(
        files.names, np.stack(counts), files.view.name, files.view.classes
    )


def class_stats_of(
    dataset: RawSegDataset, workers: int | None = None
) -> ClassStats:
    """Count the labels of a dataset in memory; see :class:`LabelFiles`."""
    return _stats_of(labels_of_dataset(dataset), workers)


def class_stats_of_folder(
    folder: str | Path,
    view: ClassView,
    suffix: str = '.png',
    workers: int | None = None,
) -> ClassStats:
    """Count the train-id PNGs of a folder in memory."""
    return _stats_of(labels_in_folder(folder, view, suffix), workers)
