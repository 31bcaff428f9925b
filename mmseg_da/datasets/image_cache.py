# SPDX-License-Identifier: Apache-2.0
"""Reading a cache of decoded images; see :class:`CacheSettings`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .cache_settings import CachePlan

if TYPE_CHECKING:
    from .base_dataset import RawSegDataset

__all__ = ['CachedSample', 'ImageCache', 'check_cache', 'open_cache']

# Files whose stamps are compared whenever a cache is opened; make_cache.py
# compares all.
_SPOT_CHECKS = 64


class ImageCache:
    """A finished cache; the arrays are mapped when first used.

    Copies share the arrays, and a process that receives a pickled cache maps
    them again, so nothing large is ever sent to a worker.

    Args:
        folder: Folder with ``manifest.json``, ``images.npy`` and, for a
            labelled set, ``labels.npy``.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        text = (self.folder / 'manifest.json').read_text(encoding='utf-8')
        self.manifest: dict[str, Any] = json.loads(text)
        self.rows = {name: i for i, name in enumerate(self.manifest['files'])}
        self.has_labels: bool = self.manifest['settings']['labeled']
        self._arrays: dict[str, np.ndarray] = {}

    def __reduce__(self) -> tuple:
        return ImageCache, (self.folder,)

    def __deepcopy__(self, memo: dict) -> ImageCache:
        return self

    def array(self, name: str) -> np.ndarray:
        """Memory-mapped array.

        Args:
            name: 'images', uint8 BGR (N, H, W, 3), or 'labels', uint8 train
                ids (N, H, W).
        """
        if name not in self._arrays:
            self._arrays[name] = np.load(
                self.folder / f'{name}.npy', mmap_mode='r', allow_pickle=False
            )
        return self._arrays[name]

    def sample(self, stem: str) -> CachedSample:
        """The cached copy of an image, by its ``sample_stem``."""
        return CachedSample(self, self.rows[stem])


class CachedSample(NamedTuple):
    """One row of a cache.

    Attributes:
        cache: The cache.
        row: Position in its arrays.
    """

    cache: ImageCache
    row: int

    @property
    def has_labels(self) -> bool:
        """Whether the cache holds labels."""
        return self.cache.has_labels

    def image(self) -> np.ndarray:
        """A copy of the image, uint8 BGR (H, W, 3)."""
        return np.array(self.cache.array('images')[self.row])

    def labels(self) -> np.ndarray:
        """A copy of the train ids, uint8 (H, W), 255 = ignore."""
        return np.array(self.cache.array('labels')[self.row])


def open_cache(dataset: RawSegDataset) -> ImageCache:
    """Open the cache of a dataset; make it if the settings say so.

    Raises:
        FileNotFoundError: There is none and ``build`` is False.
        ValueError: It is stale: images are missing in it, or the files it
            was made from have changed.
    """
    plan = CachePlan.of_dataset(dataset)
    if not (plan.folder / 'manifest.json').is_file():
        if not dataset.cache_settings.build:
            raise FileNotFoundError(
                f'{plan.folder}: this cache has not been made ('
                f'{_neighbours(plan)}). Make it with\n'
                '  python tools/dataset_converters/make_cache.py CONFIG\n'
                'or set cache.build=True, or remove `cache` from the '
                'dataset.'
            )
        # Imported late: the converters import the datasets.
        from .cache_builder import build_cache

        decoder = dataset.label_decoder if plan.labels else None
        build_cache(plan, decoder, workers=1)
    cache = ImageCache(plan.folder)
    check_cache(cache, plan, _SPOT_CHECKS)
    return cache


def check_cache(
    cache: ImageCache, plan: CachePlan, checks: int | None = None
) -> None:
    """Raise if a cache does not belong to the files of a plan.

    Args:
        cache: The cache.
        plan: What is asked for.
        checks: How many files, evenly spaced, are compared with the stamps
            in the manifest; None for all.

    Raises:
        ValueError: The cache is stale; the message names a file.
    """
    missing = [name for name in plan.names if name not in cache.rows]
    if missing:
        raise ValueError(
            f'{cache.folder}: stale cache, {len(missing)} of '
            f'{len(plan.names)} images are not in it, e.g. {missing[:3]}. '
            f'{_mend(cache)}'
        )
    step = 1 if checks is None else -(-len(plan.names) // checks)
    for row in range(0, len(plan.names), step):
        name = plan.names[row]
        made_from, now = cache.manifest['files'][name], plan.stamp(row)
        if made_from != now:
            raise ValueError(
                f'{cache.folder}: stale cache, the files of {name} have '
                f'changed since it was made (size and time or checksum: '
                f'{made_from}; now {now}). {_mend(cache)}'
            )


def _mend(cache: ImageCache) -> str:
    return (
        f'Delete {cache.folder} and make it again with '
        'tools/dataset_converters/make_cache.py.'
    )


def _neighbours(plan: CachePlan) -> str:
    """Which caches of other settings are in the same folder."""
    found = sorted(
        path.parent.name for path in plan.folder.parent.glob('*/manifest.json')
    )
    if not found:
        return f'{plan.folder.parent} holds no cache'
    return f'there are caches of other settings or data: {found[:4]}'
