# SPDX-License-Identifier: Apache-2.0
"""Draw images for the classes they contain."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from mmengine.logging import print_log
from mmseg.registry import DATA_SAMPLERS

from ..base_dataset import RawSegDataset
from ..conversion.dataset_counts import dataset_class_counts
from .class_probabilities import class_cycle_weights, rare_class_probabilities
from .index_policy import IndexPolicy, draw_generator

__all__ = ['ClassCyclePolicy', 'RareClassPolicy']

_EMPTY_CLASSES = ('uniform', 'error')


@DATA_SAMPLERS.register_module()
class RareClassPolicy(IndexPolicy):
    """Rare-class sampling of DAFormer (Hoyer et al., CVPR 2022).

    Draws a class, rare ones more often, then uniformly one of the images
    with more than ``min_pixels`` pixels of it. The pixels are those of the
    label files, before any resizing. The crop is not influenced.

    Args:
        dataset: The source; its class statistics have to exist.
        class_temperature: T of :func:`rare_class_probabilities`.
        min_pixels: An image counts for a class with more pixels than this.
        class_stats: Key of the artefact. Defaults to the dataset's own
            (``default_key``).
        artifact_root: Folder of the artefact store.
        compute: 'never' raises if the statistics are missing, 'on_demand'
            makes them.
        workers: Processes that count on demand.

    Raises:
        FileNotFoundError: No statistics; gives the command.
        ValueError: A class occurs, but no image has enough pixels of it.
    """

    def __init__(
        self,
        dataset: RawSegDataset,
        class_temperature: float = 0.01,
        min_pixels: int = 3000,
        class_stats: str | None = None,
        artifact_root: str = 'artifacts',
        compute: str = 'never',
        workers: int = 1,
    ) -> None:
        counts = dataset_class_counts(
            dataset,
            type(self).__name__,
            artifact_root,
            class_stats,
            compute,
            workers,
        )
        self.probabilities = rare_class_probabilities(
            counts.sum(0), class_temperature
        )
        self.candidates = [
            np.flatnonzero(column > min_pixels) for column in counts.T
        ]
        self._check_candidates(dataset, counts, min_pixels)
        self._cumulative = np.cumsum(self.probabilities)

    def index(self, seed: int, source: int, position: int) -> int:
        """See :class:`IndexPolicy`."""
        generator = draw_generator(seed, source, position)
        u = generator.random() * self._cumulative[-1]
        chosen = int(np.searchsorted(self._cumulative, u, side='right'))
        candidates = self.candidates[chosen]
        return int(candidates[generator.integers(len(candidates))])

    def _check_candidates(
        self, dataset: RawSegDataset, counts: np.ndarray, min_pixels: int
    ) -> None:
        without = [
            f'{dataset.metainfo["classes"][c]} (at most {counts[:, c].max()})'
            for c in np.flatnonzero(self.probabilities)
            if not len(self.candidates[c])
        ]
        if without:
            raise ValueError(
                f'RareClassPolicy: min_pixels={min_pixels} leaves no image of '
                f'{dataset.dataset_name} for {", ".join(without)} pixels in '
                'an image. Lower min_pixels.'
            )


@DATA_SAMPLERS.register_module()
class ClassCyclePolicy(IndexPolicy):
    """Importance sampling of SAC (Araslanov and Roth, CVPR 2021).

    The classes take turns: of every C consecutive draws each class gets one,
    in an order of its own. For its class a draw takes image i with
    probability :func:`class_cycle_weights`. Usually the statistics are those
    of predictions on the unlabelled target.

    Args:
        dataset: The source.
        class_stats: Key of the artefact. Defaults to the dataset's own
            (``default_key``).
        uniform_prior: Share that is drawn uniformly.
        uniform_classes: Names of classes that are drawn uniformly, e.g.
            those that the source domain does not have.
        shuffle: Permute the turn of the classes. Defaults to True; False
            takes class ``position mod C``.
        empty_classes: What to do with a class that no image has and that is
            not in ``uniform_classes``: 'uniform' draws it uniformly, with a
            warning; 'error' raises.
        artifact_root, compute, workers: See :class:`RareClassPolicy`.

    Raises:
        FileNotFoundError: No statistics; gives the command.
        ValueError: Unknown class name, statistics of other images, or a class
            that no image has with ``empty_classes='error'``.
    """

    def __init__(
        self,
        dataset: RawSegDataset,
        class_stats: str | None = None,
        uniform_prior: float = 0.25,
        uniform_classes: Sequence[str] = (),
        shuffle: bool = True,
        empty_classes: str = 'uniform',
        artifact_root: str = 'artifacts',
        compute: str = 'never',
        workers: int = 1,
    ) -> None:
        counts = dataset_class_counts(
            dataset,
            type(self).__name__,
            artifact_root,
            class_stats,
            compute,
            workers,
            units=('pixels', 'share'),
        )
        uniform = dataset.view.indices_of(tuple(uniform_classes))
        uniform = [*uniform, *_empty(dataset, counts, uniform, empty_classes)]
        weights = class_cycle_weights(counts, uniform_prior, uniform)
        self.shuffle = shuffle
        self.cumulative = np.cumsum(weights, axis=1)

    def index(self, seed: int, source: int, position: int) -> int:
        """See :class:`IndexPolicy`."""
        row = self.cumulative[self.class_of(seed, source, position)]
        generator = draw_generator(seed, source, position)
        u = generator.random() * row[-1]
        return int(np.searchsorted(row, u, side='left'))

    def class_of(self, seed: int, source: int, position: int) -> int:
        """Train id of the class whose turn a draw is."""
        number = len(self.cumulative)
        turn, place = divmod(position, number)
        if not self.shuffle:
            return place
        generator = draw_generator(seed, source, turn, number)
        return int(generator.permutation(number)[place])


def _empty(
    dataset: RawSegDataset,
    counts: np.ndarray,
    uniform: Sequence[int],
    way: str,
) -> list[int]:
    """Train ids of the other classes without any pixel."""
    if way not in _EMPTY_CLASSES:
        raise ValueError(
            f'ClassCyclePolicy: empty_classes={way!r}; allowed: '
            f'{", ".join(_EMPTY_CLASSES)}'
        )
    found = np.flatnonzero(counts.sum(0) == 0).tolist()
    empty = [c for c in found if c not in uniform]
    if not empty:
        return []
    names = [dataset.metainfo['classes'][c] for c in empty]
    text = (
        f'ClassCyclePolicy: no image of {dataset.dataset_name} has a pixel '
        f'of {names} in the class statistics.'
    )
    if way == 'error':
        raise ValueError(
            f'{text} Draw them uniformly: uniform_classes={names} or '
            "empty_classes='uniform', or make the statistics with a better "
            'model.'
        )
    print_log(
        f'{text} They are drawn uniformly; a better model may find them.',
        logger='current',
        level=logging.WARNING,
    )
    return empty
