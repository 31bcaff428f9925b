# SPDX-License-Identifier: Apache-2.0
"""Smaller copies of images and labels, for faster reading."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..base_dataset import RawSegDataset
from ..zip_files import split_zip_path
from .resizing import ImageDownsampling, LabelDownsampling
from .runner import ConversionReport, FileJob, convert_files

__all__ = ['downsample_dataset', 'downsample_folder']

MARKER = '.mmseg_da_downsample_{}.json'


def _copy_path(path: str, root: str, out: Path, suffix: str | None) -> str:
    relative = os.path.relpath(path, root)
    inside = split_zip_path(relative)
    if inside is not None:
        relative = inside[1]
    if relative.startswith(os.pardir):
        raise ValueError(
            f'{path} is not below the data root {root}; give the dataset a '
            'data_root that holds images and labels'
        )
    target = out / relative
    return str(target if suffix is None else target.with_suffix(suffix))


def _jobs(
    paths: Sequence[str], root: str, out: Path, suffix: str | None
) -> list[FileJob]:
    return [FileJob(_copy_path(x, root, out, suffix), x) for x in paths]


def _label_jobs(
    samples: Sequence[dict], root: str, out: Path
) -> list[FileJob]:
    """Labels with their images, whose sizes have to agree."""
    paths = [(x['seg_map_path'], x['img_path']) for x in samples]
    return [
        FileJob(_copy_path(label, root, out, None), label, image)
        for label, image in paths
    ]


def _check_out(root: str, out: Path) -> None:
    if out.resolve() == Path(root).resolve():
        raise ValueError(
            f'--out {out} is the folder of the originals; give another one'
        )


def downsample_dataset(
    dataset: RawSegDataset,
    out: str | Path,
    size: tuple[int, int],
    backend: str = 'pillow',
    workers: int | None = None,
    overwrite: bool = False,
    full: bool = True,
) -> ConversionReport:
    """Write a smaller copy of a dataset with the same tree.

    The copy is read by the same dataset class with ``data_root=out`` and the
    image suffix's ending replaced by '.jpg'; the labels keep encoding, ids
    and names.

    Args:
        dataset: Images and, if labelled, labels.
        out: Root of the copy.
        size: Width and height, exactly (the ratio is not kept).
        backend: 'pillow' or 'opencv', see ``resizing.py``.
        workers: Processes, see ``run_jobs``.
        overwrite: Replace what is there.
        full: Compare every copy with its original.

    Raises:
        ValueError: Unknown backend, or the folder holds other copies.
    """
    out, root = Path(out), dataset.data_root or '.'
    _check_out(root, out)
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    jobs = _jobs([x['img_path'] for x in samples], root, out, '.jpg')
    title = dataset.dataset_name
    common = (workers, overwrite, full)
    report = convert_files(
        ImageDownsampling(size, backend),
        jobs,
        out / MARKER.format('images'),
        *common,
        f'{title} images',
    )
    if not dataset.labeled:
        return report
    jobs = _label_jobs(samples, root, out)
    return report + convert_files(
        LabelDownsampling(size, backend, dataset.label_decoder),
        jobs,
        out / MARKER.format('labels'),
        *common,
        f'{title} labels',
    )


def downsample_folder(
    folder: str | Path,
    stems: Sequence[str],
    suffix: str,
    out: str | Path,
    size: tuple[int, int],
    backend: str = 'pillow',
    workers: int | None = None,
    overwrite: bool = False,
    full: bool = True,
) -> ConversionReport:
    """Write smaller copies of the images of any folder (video frames, ...).

    Args:
        folder: Folder of the originals.
        stems: Paths below it without suffix.
        suffix: End of the names, e.g. '.png'.
        out: Folder of the copies; they end in '.jpg'.
        size, backend, workers, overwrite, full: See
            :func:`downsample_dataset`.
    """
    out = Path(out)
    _check_out(str(folder), out)
    sources = [os.path.join(folder, stem + suffix) for stem in stems]
    jobs = _jobs(sources, str(folder), out, '.jpg')
    return convert_files(
        ImageDownsampling(size, backend),
        jobs,
        out / MARKER.format('images'),
        workers,
        overwrite,
        full,
        'images',
    )
