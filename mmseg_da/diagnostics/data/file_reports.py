# SPDX-License-Identifier: Apache-2.0
"""Reading the files of samples, one by one or in several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from mmseg_da.datasets.depth_decoding import decode_grey, read_camera
from mmseg_da.datasets.image_files import (
    check_complete,
    decode_bgr,
    parse_png_header,
    read_file,
)
from mmseg_da.datasets.label_decoding import LabelDecoder

__all__ = ['FileReport', 'Reader', 'SampleFiles', 'read_samples']

_PNG, _JPEG = b'\x89PNG\r\n\x1a\n', b'\xff\xd8\xff'
_IMAGES = ('.png', '.jpg', '.jpeg')
# Below this starting processes takes longer than reading.
_MIN_PARALLEL = 100


class SampleFiles(NamedTuple):
    """The files of one sample.

    Attributes:
        image: Path of the image.
        label: Path of the label file, None if unlabelled.
        others: Key of the sample and path, e.g. ``('depth_path', ...)``.
    """

    image: str
    label: str | None
    others: tuple[tuple[str, str], ...]


@dataclass
class FileReport:
    """What was found in the files of one sample.

    Attributes:
        image_size: Width and height, None if the image does not decode.
        image_kind: E.g. '8-bit RGB' or 'JPEG'.
        label_kind: E.g. '8-bit palette'.
        raw_ids: Ids that occur in the label file.
        train_ids: Train ids they become, without 255.
        problems: What is wrong, as (part, message); the part is 'images',
            'labels', 'sizes' or the key of another file.
    """

    image_size: tuple[int, int] | None = None
    image_kind: str = ''
    label_kind: str = ''
    raw_ids: frozenset[int] = frozenset()
    train_ids: frozenset[int] = frozenset()
    problems: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """Reads the samples of one data set.

    Args:
        decoder: Decoder of its label files, None if there are none of ours.
        backend_args: mmengine file backend.
    """

    decoder: LabelDecoder | None = None
    backend_args: Mapping[str, Any] | None = None

    def __call__(self, files: SampleFiles) -> FileReport:
        """Read every file of a sample completely."""
        report = FileReport()
        steps = [('images', self._image, files.image)]
        if files.label is not None:
            steps.append(('labels', self._label, files.label))
        steps += [(key, self._other, path) for key, path in files.others]
        for part, read, path in steps:
            try:
                read(path, report, part)
            except (ValueError, OSError) as error:
                report.problems.append((part, str(error)))
        return report

    def _image(self, path: str, report: FileReport, _: str) -> None:
        data = read_file(path, self.backend_args)
        image = decode_bgr(data, path)
        report.image_size = image.shape[1], image.shape[0]
        kind = 'JPEG' if data.startswith(_JPEG) else 'other format'
        if data.startswith(_PNG):
            kind = str(parse_png_header(data, path))
        report.image_kind = kind

    def _label(self, path: str, report: FileReport, _: str) -> None:
        data = read_file(path, self.backend_args)
        header = parse_png_header(data, path)
        report.label_kind = str(header)
        size = header.width, header.height
        if report.image_size not in (None, size):
            width, height = report.image_size
            message = (
                f'{path}: label size {size[0]}x{size[1]} differs from the '
                f'size {width}x{height} of its image'
            )
            report.problems.append(('sizes', message))
        if self.decoder is None:
            check_complete(data, path)
            return
        raw, train = self.decoder.decode_both(data, path)
        report.raw_ids = frozenset(np.unique(raw).tolist())
        report.train_ids = frozenset(np.unique(train).tolist()) - {255}

    def _other(self, path: str, report: FileReport, key: str) -> None:
        if key == 'camera_path':
            read_camera(path, self.backend_args)
            return
        data = read_file(path, self.backend_args)
        if key in ('depth_path', 'disparity_path') and path.endswith('.png'):
            content = decode_grey(data, path, bits=16)
        elif path.endswith(_IMAGES):
            content = decode_bgr(data, path)
        else:
            return
        size = content.shape[1], content.shape[0]
        if report.image_size not in (None, size):
            raise ValueError(
                '{}: size {}x{} differs from the size {}x{} of the image '
                'that it belongs to'.format(path, *size, *report.image_size)
            )


def read_samples(
    samples: Sequence[SampleFiles],
    reader: Reader,
    workers: int,
    title: str,
    progress: bool,
) -> Iterator[FileReport]:
    """Read samples, in their order.

    Args:
        samples: What to read.
        reader: Reads one of them.
        workers: Processes; few samples are read in this one.
        title: Name of the data set, for the progress bar.
        progress: Whether a progress bar is shown, on stderr.
    """
    bars = Progress(
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not progress,
        transient=True,
    )
    with bars:
        task = bars.add_task(title, total=len(samples))
        for report in _reports(samples, reader, workers):
            bars.advance(task)
            yield report


def _reports(
    samples: Sequence[SampleFiles], reader: Reader, workers: int
) -> Iterable[FileReport]:
    if workers <= 1 or len(samples) < _MIN_PARALLEL:
        yield from map(reader, samples)
        return
    with ProcessPoolExecutor(
        workers,
        mp_context=_context(),
        initializer=_start_worker,
        initargs=(reader,),
    ) as pool:
        yield from pool.map(_read_in_worker, samples, chunksize=16)


def _context() -> multiprocessing.context.BaseContext:
    """Workers forked from a clean server that imports this package once."""
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([__name__])
    return context


_reader = Reader()


def _start_worker(reader: Reader) -> None:
    global _reader
    _reader = reader
    cv2.setNumThreads(1)


def _read_in_worker(sample: SampleFiles) -> FileReport:
    return _reader(sample)
