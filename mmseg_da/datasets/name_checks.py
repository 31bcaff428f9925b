# SPDX-License-Identifier: Apache-2.0
"""Checks of the file names of a dataset: doubles, labels without image."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mmengine.logging import print_log

from .file_listing import list_stems
from .release_facts import release_of

if TYPE_CHECKING:
    from .base_dataset import RawSegDataset

__all__ = ['check_image_names', 'check_label_names', 'find_surplus_labels']


def check_image_names(dataset: RawSegDataset, stems: Iterable[str]) -> None:
    """Refuse a release that holds an image in two folders.

    Args:
        dataset: The dataset; own data may use a name in several folders,
            and a list says which one is meant.
        stems: Paths of all images below the image folder, without suffix.

    Raises:
        ValueError: A file name occurs twice.
    """
    if dataset.ann_file or not release_of(type(dataset)).unique_names:
        return
    first: dict[str, str] = {}
    doubles = []
    for stem in stems:
        known = first.setdefault(stem.rpartition('/')[2], stem)
        if known != stem:
            doubles.append((known, stem))
    if doubles:
        one, other = doubles[0]
        raise ValueError(
            f'{type(dataset).__name__} ({dataset.dataset_name}): '
            f'{len(doubles)} images lie in two folders of '
            f'{dataset.data_prefix["img_path"]}, e.g. {one} and {other}; '
            'every name is unique in the release. Was an archive unpacked '
            'twice? Delete one of the copies.'
        )


def check_label_names(dataset: RawSegDataset, labels: Sequence[str]) -> None:
    """Log label files without image; training goes on without them.

    Args:
        dataset: The dataset.
        labels: Paths of the label files below their folder, without suffix.
    """
    surplus = find_surplus_labels(dataset, labels)
    if surplus:
        print_log(
            f'{type(dataset).__name__} ({dataset.dataset_name}): '
            f'{len(surplus)} label files of '
            f'{dataset.data_prefix["seg_map_path"]} have no image, e.g. '
            f'{surplus[:3]}. They are not used; unpack the missing image '
            'archives if this is not intended.',
            'current',
            level=logging.WARNING,
        )


def find_surplus_labels(
    dataset: RawSegDataset, labels: Iterable[str]
) -> list[str]:
    """Label files that belong to no image.

    Converted label files may lie beside the original ones and do not count.

    Args:
        dataset: The dataset.
        labels: Paths of the label files below their folder, without suffix.

    Returns:
        Their sorted paths, with suffix.
    """
    suffix, converted = dataset.seg_map_suffix, dataset.TRAIN_ID_SUFFIX
    names = {label + suffix for label in labels}
    if converted != suffix and converted.endswith(suffix):
        names = {name for name in names if not name.endswith(converted)}
    images = list_stems(dataset.data_prefix['img_path'], dataset.img_suffix)
    return sorted(names - {stem + suffix for stem in images})
