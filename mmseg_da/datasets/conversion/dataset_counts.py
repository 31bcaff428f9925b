# SPDX-License-Identifier: Apache-2.0
"""Class counts of the images of a dataset, for those who draw by them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from mmengine.logging import print_log

from mmseg_da.engine.artifacts import ArtifactStore

from ..base_dataset import RawSegDataset
from .class_stats import ClassStats
from .label_files import labels_of_dataset
from .stats_artifact import (
    KIND,
    default_key,
    load_class_stats,
    make_class_stats,
    stems_of,
)

__all__ = ['dataset_class_counts']

COMPUTE = ('never', 'on_demand')


def dataset_class_counts(
    dataset: RawSegDataset,
    user: str,
    root: str,
    key: str | None = None,
    compute: str = 'never',
    workers: int | None = 1,
    units: Sequence[str] = ('pixels',),
) -> np.ndarray:
    """Class counts of the images of a dataset, in its order.

    Args:
        dataset: The dataset.
        user: Who asks, for errors.
        root: Artefact store.
        key: Artefact; None is :func:`default_key`.
        compute: If it is missing or of other images or files, 'on_demand'
            counts the labels now and 'never' raises.
        workers: Processes that count.
        units: Units of :class:`ClassStats` that will do.

    Returns:
        Array of shape (len(dataset), classes).

    Raises:
        FileNotFoundError: Missing, and not to be made; gives the command.
        ValueError: Of other images, other files or another class view.
    """
    _check_request(dataset, user, compute)
    store = ArtifactStore(root)
    key = key or default_key(dataset)
    stems = stems_of(dataset)
    try:
        stats = load_class_stats(store, key, dataset.view.name)
        if dataset.labeled:
            stats.check_files(labels_of_dataset(dataset))
        rows = stats.rows_of(stems)
    except (FileNotFoundError, ValueError) as error:
        if compute == 'never' or not dataset.labeled:
            raise type(error)(
                f'{user}: {error}\n{_how_to_make(dataset, root, key)}'
            ) from None
        files = labels_of_dataset(dataset)
        made = make_class_stats(files, store, key, workers, overwrite=True)
        return made.rows_of(stems)
    _check_unit(stats, f'{user}: {key}', units)
    _report_unused(stats.unused(stems), len(stems), f'{user}: {key}')
    return rows


def _check_request(dataset: RawSegDataset, user: str, compute: str) -> None:
    if compute not in COMPUTE:
        raise ValueError(
            f'{user}: compute={compute!r}; allowed: {", ".join(COMPUTE)}'
        )
    if not isinstance(dataset, RawSegDataset):
        raise ValueError(
            f'{user}: {type(dataset).__name__} reads no labels of this suite'
        )


def _check_unit(stats: ClassStats, title: str, units: Sequence[str]) -> None:
    if stats.unit not in units:
        raise ValueError(
            f'{title}: these class statistics are imported importance weights '
            f'({stats.unit}), not {" or ".join(units)}; they serve '
            'ClassCyclePolicy only. Count labels or predictions instead.'
        )


def _report_unused(names: Sequence[str], images: int, title: str) -> None:
    if names:
        print_log(
            f'{title}: the class statistics have {images + len(names)} '
            f'entries, the dataset {images} images; not in the dataset are '
            f'e.g. {list(names[:5])}',
            logger='current',
            level=logging.WARNING,
        )


def _how_to_make(dataset: RawSegDataset, root: str, key: str) -> str:
    command = (
        f'python tools/make_artifact.py {KIND} --key {key} --root {root} '
        f'--class-view {dataset.view.name}'
    )
    if not dataset.labeled:
        return (
            'This set has no labels; count predictions for it: '
            f'{command} --config CONFIG --checkpoint FILE, or --labels FOLDER'
        )
    return (
        f'Count its labels: {command} --config CONFIG --member KEY (or '
        "--dataset NAME ROOT), or let the run do it: compute='on_demand'."
    )
