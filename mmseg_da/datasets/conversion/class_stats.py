# SPDX-License-Identifier: Apache-2.0
"""How many pixels of every class every image has."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ..base_dataset import RawSegDataset
from ..class_views import ClassView
from ..digest import content_stamp
from ..file_listing import describe_content, list_stems
from ..image_files import read_file
from ..label_decoding import LabelDecoder, train_id_decoder
from .parallel import iter_jobs

__all__ = [
    'ClassStats',
    'LabelFiles',
    'class_stats_of',
    'class_stats_of_folder',
    'count_labels',
    'labels_in_folder',
    'labels_of_dataset',
]


@dataclass(frozen=True)
class ClassStats:
    """Class pixel counts of labelled images.

    Attributes:
        names: Stem of every image, e.g. 'aachen/aachen_000000_000019'.
        counts: int64 array of shape (images, classes), pixels; ignored
            pixels are not counted.
        class_view: Name of the class view.
        classes: Its class names.
        marks: Content mark of every counted file, see
            :meth:`LabelFiles.marks`; () if the counts come from elsewhere.
        folder: Folder of the counted files, for messages.
    """

    names: tuple[str, ...]
    counts: np.ndarray
    class_view: str
    classes: tuple[str, ...]
    marks: tuple[str, ...] = ()
    folder: str = ''

    def rows_of(self, stems: Sequence[str]) -> np.ndarray:
        """Counts of the given images.

        A stem is looked up as a whole and, failing that, by its last part.

        Args:
            stems: Stems of a dataset.

        Returns:
            int64 array of shape (len(stems), classes).

        Raises:
            ValueError: Images without statistics, or a last part that fits
                several.
        """
        return self.counts[self._positions(stems)]

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
            raise ValueError(
                f'{len(missing)} of {len(stems)} images have no class '
                f'statistics, e.g. {missing[:3]}; the statistics are of '
                f'{len(self.names)} images, e.g. {list(self.names[:2])}. '
                'They belong to another dataset, split or list: make them '
                'anew.'
            )
        return found


@dataclass(frozen=True)
class LabelFiles:
    """Label files to be counted.

    Attributes:
        names: Stem of every image.
        paths: Its label file.
        decoder: How the files are read.
        view: Class view of the counts.
        title: What they are called in messages.
    """

    names: tuple[str, ...]
    paths: tuple[str, ...]
    decoder: LabelDecoder = field(repr=False)
    view: ClassView = field(repr=False)
    title: str

    def fingerprint(self) -> dict[str, str]:
        """What the counts depend on."""
        return {
            'names': _digest('\n'.join(self.names)),
            'content': _digest('\n'.join(self.marks())),
            'labels': self.decoder.name,
            'class_view': self.view.name,
        }

    def marks(self) -> tuple[str, ...]:
        """16 hex digits per file: its size and the checksum of its pixels."""
        return tuple(_digest(content_stamp(x))[:16] for x in self.paths)

    @property
    def folder(self) -> str:
        """The folder that holds all files."""
        return os.path.commonpath([os.path.dirname(x) for x in self.paths])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def labels_of_dataset(dataset: RawSegDataset) -> LabelFiles:
    """Label files of a dataset, with its ``indices`` applied.

    Raises:
        ValueError: The dataset has no labels.
    """
    title = f'{type(dataset).__name__} ({dataset.dataset_name})'
    if not dataset.labeled:
        raise ValueError(
            f'{title}: has no labels to count (labeled=False). Count '
            'predictions instead: --labels FOLDER'
        )
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    return LabelFiles(
        tuple(x['sample_stem'] for x in samples),
        tuple(x['seg_map_path'] for x in samples),
        dataset.label_decoder,
        dataset.view,
        title,
    )


def labels_in_folder(
    folder: str | Path, view: ClassView, suffix: str = '.png'
) -> LabelFiles:
    """Train-id PNGs of a folder, for example predictions.

    Args:
        folder: Their folder, searched at any depth.
        view: Class view of the train ids.
        suffix: End of the names; what comes before it names the image.

    Raises:
        FileNotFoundError: No such files.
        ValueError: The suffix is that of raw ids.
    """
    if suffix.endswith('_labelIds.png'):
        raise ValueError(
            f"--suffix {suffix}: files of this name hold Cityscapes' label "
            'ids, which would be counted as train ids. Give the files of '
            'PredictionWriter (--labels FOLDER/train_ids --suffix '
            '_leftImg8bit.png), or raw labels by --dataset or --config.'
        )
    folder = str(folder)
    path = Path(folder)
    stems = list_stems(folder, suffix) if path.is_dir() else []
    if not stems:
        content = describe_content(folder) if path.is_dir() else 'no folder'
        raise FileNotFoundError(
            f'no files ending in {suffix!r} in {folder}: {content}. Give the '
            'folder of the predicted labels and --suffix.'
        )
    paths = tuple(str(path / (stem + suffix)) for stem in stems)
    decoder = train_id_decoder(view)
    return LabelFiles(tuple(stems), paths, decoder, view, folder)


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
