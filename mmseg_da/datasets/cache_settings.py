# SPDX-License-Identifier: Apache-2.0
"""What a cache of decoded images is to hold, and how that is recognised."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .zip_files import member_stamp, split_zip_path

if TYPE_CHECKING:
    from .base_dataset import RawSegDataset

__all__ = ['CachePlan', 'CacheSettings', 'file_stamp', 'resize_options']

FORMAT_VERSION = 1
_INTERPOLATIONS = {
    'cv2': ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos'),
    'pillow': ('nearest', 'bilinear', 'bicubic', 'lanczos', 'box', 'hamming'),
}


@dataclass(frozen=True)
class CacheSettings:
    """The ``cache=dict(...)`` argument of a dataset.

    The cache holds every image decoded and resized to one size, and the
    train ids of its label file, as memory-mapped uint8 arrays. It equals what
    ``Resize(scale, interpolation, backend, keep_ratio=False)`` gives right
    after loading, so that step is no longer needed. It needs
    ``N * height * width * 3`` bytes (4 with labels).

    Args:
        dir: Folder of the caches; each lies in a sub-folder of its own.
        scale: Size (width, height) in pixels.
        interpolation: For images; labels are resized with 'nearest'.
        backend: 'cv2' or 'pillow', as in mmcv's ``Resize``.
        build: Make a missing cache when the dataset is built, in one
            process; otherwise ``tools/dataset_converters/make_cache.py``
            makes it, in several.
    """

    dir: str
    scale: tuple[int, int]
    interpolation: str = 'bilinear'
    backend: str = 'cv2'
    build: bool = False

    def __post_init__(self) -> None:
        scale = self.scale
        whole = isinstance(scale, Sequence) and all(
            type(x) is int and x > 0 for x in scale
        )
        if not whole or len(scale) != 2:
            raise ValueError(
                f'cache.scale={scale!r}: give (width, height) in pixels, e.g. '
                '(1024, 512)'
            )
        object.__setattr__(self, 'scale', tuple(scale))
        allowed = _INTERPOLATIONS.get(self.backend)
        if allowed is None:
            raise ValueError(
                f'cache.backend={self.backend!r} is unknown; allowed: '
                f'{list(_INTERPOLATIONS)}'
            )
        if self.interpolation not in allowed:
            raise ValueError(
                f'cache.interpolation={self.interpolation!r} is unknown to '
                f'backend {self.backend!r}; allowed: {list(allowed)}'
            )

    @classmethod
    def from_config(cls, cache: Mapping | None) -> CacheSettings | None:
        """Read the argument of a dataset.

        Raises:
            ValueError: A key is unknown or missing, or a value is bad.
        """
        if cache is None:
            return None
        allowed = [field.name for field in fields(cls)]
        wrong = sorted(set(cache) - set(allowed))
        missing = [x for x in ('dir', 'scale') if x not in cache]
        if wrong or missing:
            raise ValueError(
                f'cache={dict(cache)}: unknown keys {wrong}, missing keys '
                f'{missing}; allowed keys: {allowed}'
            )
        return cls(**cache)


def resize_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of mmcv's ``imresize`` for the images of a cache."""
    return {
        'size': tuple(settings['scale']),
        'interpolation': settings['interpolation'],
        'backend': settings['backend'],
    }


def file_stamp(path: str) -> str:
    """Short text that changes when a file does.

    Size and time of change of a file on disk; size and checksum of a member
    of an archive.

    Raises:
        FileNotFoundError: The file is missing.
    """
    place = split_zip_path(path)
    if place is not None:
        return member_stamp(*place)
    status = os.stat(path)
    return f'{status.st_size} {int(status.st_mtime)}'


@dataclass(frozen=True)
class CachePlan:
    """Which files a cache is made from, and how.

    Args:
        folder: Folder of the finished cache.
        settings: What decides the content, beside the files; JSON values.
        names: Stem of every image; its position is the row.
        images: Path of every image file.
        labels: Path of every label file; empty for an unlabelled set.
    """

    folder: Path
    settings: Mapping[str, Any]
    names: tuple[str, ...]
    images: tuple[str, ...]
    labels: tuple[str, ...]

    @classmethod
    def of_dataset(cls, dataset: RawSegDataset) -> CachePlan:
        """Plan the cache that a dataset's ``cache`` settings ask for."""
        cache = dataset.cache_settings
        settings = asdict(cache)
        del settings['dir'], settings['build']
        settings['scale'] = list(cache.scale)
        settings.update(
            format=FORMAT_VERSION,
            dataset=type(dataset).__name__,
            folders=dict(dataset.data_prefix),
            labeled=dataset.labeled,
        )
        if dataset.labeled:
            lut = dataset.label_decoder.lut.tobytes()
            settings.update(
                class_view=dataset.view.name,
                label_format=dataset.label_format,
                label_table=hashlib.sha256(lut).hexdigest(),
            )
        infos = [dataset.get_data_info(i) for i in range(len(dataset))]
        text = json.dumps(settings, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        tag = '-'.join(filter(None, (dataset.dataset_name, dataset.split)))
        return cls(
            folder=Path(cache.dir).expanduser() / f'{tag}-{key}',
            settings=settings,
            names=tuple(info['sample_stem'] for info in infos),
            images=tuple(info['img_path'] for info in infos),
            labels=tuple(info['seg_map_path'] for info in infos)
            if dataset.labeled
            else (),
        )

    @property
    def bytes(self) -> int:
        """Size of the finished cache."""
        width, height = self.settings['scale']
        channels = 4 if self.labels else 3
        return len(self.names) * width * height * channels

    def stamp(self, row: int) -> str:
        """Stamp of the files behind one row."""
        stamps = [file_stamp(self.images[row])]
        if self.labels:
            stamps.append(file_stamp(self.labels[row]))
        return ', '.join(stamps)

    def manifest(self) -> dict[str, Any]:
        """What ``manifest.json`` of the finished cache says."""
        stamps = [self.stamp(row) for row in range(len(self.names))]
        files = dict(zip(self.names, stamps, strict=True))
        text = json.dumps(files, sort_keys=True)
        return {
            'kind': 'image_cache',
            'settings': dict(self.settings),
            'files_sha256': hashlib.sha256(text.encode()).hexdigest(),
            'files': files,
        }
