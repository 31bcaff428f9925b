# SPDX-License-Identifier: Apache-2.0
"""Checks of the content of a data set's files: decoded, sized, valued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from mmseg_da.datasets.base_dataset import RawSegDataset
from mmseg_da.datasets.custom import CustomRawDataset
from mmseg_da.datasets.release_facts import release_of

from ..report import Check
from .file_reports import FileReport, Reader, SampleFiles, read_samples
from .street_world import street_world_of

__all__ = ['ReadOptions', 'content_checks']

_SHOWN = 5
# Labels whose ids all stay below look like train ids; so few files may be
# without vegetation, sky and cars.
_MIN_FILES = 4
_LAST_TRAIN_ID = 18
_TABLES_ABOVE = ('cityscapes', 'gta')
_ADVICE = {
    'images': 'restore the file, or leave it out with skip_files=[...]',
    'labels': 'restore the file, check the label folder and label_format, '
    'or leave it out with skip_files=[...]',
    'sizes': 'unpack both again, or leave the pair out with skip_files=[...]',
}
_OTHER_ADVICE = 'unpack the archive of these files again'


class ReadOptions:
    """How many files are read, and how.

    Args:
        full: Read all files instead of a sample.
        sample: Size of the sample, evenly spread over the sorted files.
        workers: Processes for many files.
        progress: Whether progress bars are shown, on stderr.
    """

    def __init__(
        self,
        full: bool = False,
        sample: int = 50,
        workers: int = 1,
        progress: bool = False,
    ) -> None:
        if sample < 1 or workers < 1:
            raise ValueError(
                f'sample={sample}, workers={workers}: give at least 1'
            )
        self.full = full
        self.sample = sample
        self.workers = workers
        self.progress = progress

    def positions(self, count: int) -> list[int]:
        """Positions of the samples that are read.

        Args:
            count: Number of samples of the data set.
        """
        if self.full or count <= self.sample:
            return list(range(count))
        chosen = np.linspace(0, count - 1, self.sample)
        return [int(i) for i in np.unique(chosen.round())]


def content_checks(
    title: str, dataset: BaseDataset, options: ReadOptions
) -> list[Check]:
    """Read files of a data set and say what they hold.

    Args:
        title: Name of the data set in the table.
        dataset: The data set.
        options: Which files.

    Returns:
        One row per kind of file, then the problems.
    """
    positions = options.positions(len(dataset))
    samples = [_files(dataset.get_data_info(i)) for i in positions]
    reader = Reader(
        getattr(dataset, 'label_decoder', None), dataset.backend_args
    )
    workers, progress = options.workers, options.progress
    reports = list(read_samples(samples, reader, workers, title, progress))
    share = f'{len(samples)} of {len(dataset)}'
    checks = [*_image_rows(title, dataset, reports, share)]
    if any(files.label for files in samples):
        checks += _label_rows(title, dataset, reports, share)
    for key in sorted({key for files in samples for key, _ in files.others}):
        checks += _other_rows(title, key, samples, reports)
    checks += _problem_rows(title, reports, len(dataset))
    return checks


def _files(info: Mapping[str, Any]) -> SampleFiles:
    others = [
        (key, path)
        for key, value in info.items()
        if key not in ('img_path', 'seg_map_path') and 'path' in key
        for path in _paths(value)
        if path != info['img_path']
    ]
    return SampleFiles(
        info['img_path'], info.get('seg_map_path'), tuple(others)
    )


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _paths(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _paths(item)


def _counted(values: Counter, limit: int = 4) -> str:
    """E.g. '1914x1052 (48), 1914x1046 (2)'."""
    parts = [f'{value} ({n})' for value, n in values.most_common(limit)]
    more = len(values) - limit
    return ', '.join(parts) + (f' and {more} more' if more > 0 else '')


def _image_rows(
    title: str, dataset: BaseDataset, reports: Sequence[FileReport], share: str
) -> Iterator[Check]:
    sizes = Counter(
        '{}x{}'.format(*r.image_size) for r in reports if r.image_size
    )
    kinds = Counter(r.image_kind for r in reports if r.image_kind)
    if not sizes:
        return
    value = f'{share} read: {", ".join(kinds)}; sizes {_counted(sizes)}'
    odd = sorted(k for k in kinds if 'grey' in k)
    if odd and _is_release(dataset):
        folder = dataset.data_prefix['img_path']
        value += (
            f'. {folder} holds images of {", ".join(odd)}; those of the '
            'release are 8-bit colour: are these labels or depth maps?'
        )
        advice = 'unpack the image archives into this folder again'
        yield Check(f'{title}: images', 'fail', value, advice)
        return
    yield Check(f'{title}: images', 'ok', value)
    nominal = release_of(type(dataset)).image_size
    if nominal is None or street_world_of(dataset.data_root) is not None:
        return
    expected = '{}x{}'.format(*nominal)
    odd = sum(n for size, n in sizes.items() if size != expected)
    if odd:
        yield Check(
            f'{title}: sizes',
            'warn',
            f'{odd} of {sum(sizes.values())} images read are not {expected}, '
            f'the size of the release: {_counted(sizes)}',
            'fine for downsampled copies; else unpack the archive again',
        )


def _is_release(dataset: BaseDataset) -> bool:
    """Whether it reads a published release, not somebody's own files."""
    return isinstance(dataset, RawSegDataset) and not isinstance(
        dataset, CustomRawDataset
    )


def _label_rows(
    title: str, dataset: BaseDataset, reports: Sequence[FileReport], share: str
) -> Iterator[Check]:
    kinds = ', '.join(Counter(r.label_kind for r in reports if r.label_kind))
    value = f'{share} read: {kinds}'
    good = [r for r in reports if r.raw_ids]
    if not good or not isinstance(dataset, RawSegDataset):
        yield Check(f'{title}: labels', 'ok', value)
        return
    raw = frozenset().union(*(r.raw_ids for r in good))
    train = frozenset().union(*(r.train_ids for r in good))
    count = dataset.view.num_classes
    value += f'; {len(raw)} ids {min(raw)}..{max(raw)}, '
    value += f'{len(train)} of {count} classes of {dataset.view.name}'
    fault = _label_fault(dataset, good, raw, train)
    if fault is None:
        yield Check(f'{title}: labels', 'ok', value)
    else:
        found = f'{value}. {fault[0]}'
        yield Check(f'{title}: labels', 'fail', found, fault[1])


def _label_fault(
    dataset: RawSegDataset,
    reports: Sequence[FileReport],
    raw: frozenset[int],
    train: frozenset[int],
) -> tuple[str, str] | None:
    """What the values of all files together say, and what to do."""
    if not train:
        return (
            'Every pixel is ignored: no file has a class of the view',
            'check class_view, the label folder and label_format',
        )
    looks_converted = (
        dataset.label_format == 'raw'
        and dataset.label_decoder.name.startswith(
            tuple(f'raw {table}' for table in _TABLES_ABOVE)
        )
        and len(reports) >= _MIN_FILES
        and max(raw) <= _LAST_TRAIN_ID
    )
    if looks_converted:
        return (
            'No file has an id above 18 (vegetation, sky, car): these look '
            'like train ids, not like the ids of the download',
            "set label_format='train_ids' and seg_map_suffix, or unpack the "
            'original label files',
        )
    return None


def _other_rows(
    title: str,
    key: str,
    samples: Sequence[SampleFiles],
    reports: Sequence[FileReport],
) -> Iterator[Check]:
    """One row for the depth, disparity, camera, ... files that are good."""
    bad = sum(part == key for r in reports for part, _ in r.problems)
    count = sum(name == key for files in samples for name, _ in files.others)
    if count > bad:
        name = key.replace('_paths', '').replace('_path', '')
        value = f'{count - bad} of {count} files read are good'
        yield Check(f'{title}: {name}', 'ok', value)


def _problem_rows(
    title: str, reports: Sequence[FileReport], total: int
) -> Iterator[Check]:
    found: dict[str, list[str]] = {}
    for report in reports:
        for part, message in report.problems:
            found.setdefault(part, []).append(message)
    for part, messages in found.items():
        name = f'{title}: {part.replace("_path", "")}'
        advice = _ADVICE.get(part, _OTHER_ADVICE)
        for message in messages[:_SHOWN]:
            yield Check(name, 'fail', message, advice)
        if len(messages) > _SHOWN:
            rest = len(messages) - _SHOWN
            value = f'and {rest} more of {len(reports)} files read'
            yield Check(name, 'fail', value, advice)
        if len(reports) < total:
            value = f'{total - len(reports)} files were not read'
            yield Check(name, 'warn', value, '--full reads all of them')
