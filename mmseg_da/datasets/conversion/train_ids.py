# SPDX-License-Identifier: Apache-2.0
"""Raw label files -> 8-bit PNGs of train ids, checked pixel by pixel."""

from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..base_dataset import RawSegDataset
from ..class_views import ClassView
from ..image_files import parse_png_header, read_file
from ..label_decoding import LabelDecoder, train_id_decoder
from ..zip_files import split_zip_path
from .runner import Conversion, ConversionReport, FileJob, convert_files

__all__ = [
    'TrainIdConversion',
    'convert_train_ids',
    'encode_png',
    'image_size',
    'train_id_jobs',
]

MARKER = '.mmseg_da_train_ids.json'


def encode_png(array: np.ndarray) -> bytes:
    """PNG of an 8- or 16-bit array, channels in OpenCV's order."""
    done, buffer = cv2.imencode('.png', array)
    if not done:
        raise ValueError(f'array {array.shape} {array.dtype} is no image')
    return buffer.tobytes()


def image_size(path: str) -> tuple[int, int]:
    """Height and width of an image file, from its header."""
    with Image.open(io.BytesIO(read_file(path))) as image:
        return image.height, image.width


class TrainIdConversion(Conversion):
    """Label file -> train ids of a class view, 255 = ignore.

    Args:
        decoder: Decoder of the raw files.
        view: Class view of the result.
    """

    def __init__(self, decoder: LabelDecoder, view: ClassView) -> None:
        self.decoder = decoder
        self.view = view
        self._reader = train_id_decoder(view)

    def settings(self) -> dict:
        return {
            'content': 'train ids',
            'class_view': self.view.name,
            'classes': list(self.view.classes),
            'labels': self.decoder.name,
        }

    def make(self, job: FileJob) -> bytes:
        return encode_png(self._decode(job))

    def check(self, job: FileJob, data: bytes, full: bool) -> np.ndarray:
        """See :class:`Conversion`; returns the pixels per class, int64."""
        labels = self._reader.decode(data, job.output)
        header = parse_png_header(data, job.output)
        if (header.kind, header.bits) != ('grey', 8):
            raise ValueError(
                f'{job.output}: is {header}, expected 8-bit grey; delete it '
                'or give --overwrite'
            )
        self._check_sizes(job, labels)
        if full:
            wrong = np.count_nonzero(labels != self._decode(job))
            if wrong:
                raise ValueError(
                    f'{job.output}: {wrong} pixels differ from the labels of '
                    f'{job.source} in class view {self.view.name!r}; delete '
                    'it or give --overwrite'
                )
        counts = np.bincount(labels.ravel(), minlength=256)
        return counts[: self.view.num_classes].astype(np.int64)

    def _decode(self, job: FileJob) -> np.ndarray:
        return self.decoder.decode(read_file(job.source), job.source)

    def _check_sizes(self, job: FileJob, labels: np.ndarray) -> None:
        sizes = {job.source: image_size(job.source)}
        if job.image is not None:
            sizes[job.image] = image_size(job.image)
        for path, size in sizes.items():
            if size != labels.shape:
                height, width = labels.shape
                raise ValueError(
                    f'{job.output}: size {width}x{height}, but {path} has '
                    f'{size[1]}x{size[0]}. Unpack both again, or leave the '
                    'pair out with --skip.'
                )


def train_id_jobs(
    dataset: RawSegDataset, out: str | Path | None = None
) -> tuple[list[FileJob], Path]:
    """The files to write for a labelled dataset.

    Args:
        dataset: Its images and raw labels.
        out: Folder of the result; below it the paths of the label folder,
            in a folder per split. None writes next to the originals.

    Returns:
        The jobs, and the folder they fill.

    Raises:
        ValueError: No labels, no raw labels, or originals would be replaced.
    """
    title = type(dataset).__name__
    if not dataset.labeled or dataset.label_format != 'raw':
        raise ValueError(
            f'{title}: needs raw labels to convert, but has labeled='
            f'{dataset.labeled}, label_format={dataset.label_format!r}. Name '
            'a labelled member of the config, or use --dataset.'
        )
    suffix = dataset.TRAIN_ID_SUFFIX
    if out is None and suffix == dataset.seg_map_suffix:
        raise ValueError(
            f'{title}: the converted files would have the names of the '
            f'originals (*{suffix}); give a folder with --out.'
        )
    if out is None and split_zip_path(dataset.data_prefix['seg_map_path']):
        raise ValueError(
            f'{title}: the labels lie in an archive; give a folder with --out.'
        )
    if out is None:
        folder = Path(dataset.data_prefix['seg_map_path'])
    else:
        folder = Path(out) / (dataset.split or '')
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    jobs = [
        FileJob(
            output=os.path.join(folder, x['sample_stem'] + suffix),
            source=x['seg_map_path'],
            image=x['img_path'],
        )
        for x in samples
    ]
    originals = {os.path.abspath(x['seg_map_path']) for x in samples}
    if any(os.path.abspath(x.output) in originals for x in jobs):
        raise ValueError(f'--out {out} holds the originals; give another one')
    return jobs, folder


def convert_train_ids(
    dataset: RawSegDataset,
    out: str | Path | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    full: bool = True,
) -> ConversionReport:
    """Write train-id PNGs for every label of a dataset and verify them.

    Checked after writing: every file is there, complete, 8-bit grey, holds
    only 0..C-1 and 255, has the size of its label and image and, if
    ``full``, the pixels of a fresh decoding; some class occurs at all.

    Args:
        dataset: Labelled dataset, ``label_format='raw'``.
        out: See :func:`train_id_jobs`.
        workers: Processes, see ``run_jobs``.
        overwrite: Replace what is there.
        full: Compare the pixels with the originals.

    Returns:
        Report whose ``totals`` are the pixels per class, int64 (C,).

    Raises:
        ValueError: See :func:`train_id_jobs`, or files of another class view
            are there.
    """
    jobs, folder = train_id_jobs(dataset, out)
    conversion = TrainIdConversion(dataset.label_decoder, dataset.view)
    report = convert_files(
        conversion,
        jobs,
        folder / MARKER,
        workers,
        overwrite,
        full,
        f'{dataset.dataset_name} {dataset.split or ""}'.strip(),
    )
    if report.totals is not None and not report.totals.any():
        report.problems.append(
            f'{folder}: no pixel of any class of {dataset.view.name!r} in '
            f'{len(jobs)} files; is this the right label folder?'
        )
    return report
