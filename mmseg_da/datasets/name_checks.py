# SPDX-License-Identifier: Apache-2.0
"""Checks of the names of a dataset: doubles, labels without image, typos."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mmengine.logging import print_log

from .image_listing import find_twins
from .release_facts import release_of

if TYPE_CHECKING:
    from .base_dataset import RawSegDataset

__all__ = ['check_image_names', 'check_label_names', 'find_surplus_labels']


def check_image_names(dataset: RawSegDataset, stems: Iterable[str]) -> None:
    """Refuse a release that holds an image in two folders.

    Entries of ``skip_files`` that fit no image, and images that lie there a
    second time in another format, are logged.

    Args:
        dataset: The dataset; own data may use a name in several folders,
            and a list says which one is meant.
        stems: Paths of all images below the image folder, without suffix.

    Raises:
        ValueError: A file name occurs twice.
    """
    stems = list(stems)
    _refuse_doubles(dataset, stems)
    folder, suffix = dataset.data_prefix['img_path'], dataset.img_suffix
    twins = find_twins(dataset, stems)
    if twins:
        _warn(
            dataset,
            f'{len(twins)} images of {folder} have a second file of the same '
            f'name, e.g. {twins[:3]}. Only *{suffix} is read; delete one '
            'kind, or choose by img_suffix.',
        )
    names = {name.removesuffix(suffix) for name in dataset.skip_files}
    unknown = sorted(names.difference(stems))
    if unknown:
        _warn(
            dataset,
            f'{len(unknown)} entries of skip_files fit no image of {folder}, '
            f'e.g. {unknown[:3]}. Write the path below the folder, such as '
            f'{stems[0]!r}.',
        )


def _warn(dataset: RawSegDataset, text: str) -> None:
    title = f'{type(dataset).__name__} ({dataset.dataset_name})'
    print_log(f'{title}: {text}', 'current', level=logging.WARNING)


def _refuse_doubles(dataset: RawSegDataset, stems: Sequence[str]) -> None:
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


def check_label_names(
    dataset: RawSegDataset, labels: Sequence[str], images: Sequence[str]
) -> None:
    """Log label files without image; training goes on without them.

    Args:
        dataset: The dataset.
        labels: Paths of the label files below their folder, without suffix.
        images: Paths of all images below theirs, without suffix.
    """
    surplus = find_surplus_labels(dataset, labels, images)
    if surplus:
        _warn(
            dataset,
            f'{len(surplus)} label files of '
            f'{dataset.data_prefix["seg_map_path"]} have no image, e.g. '
            f'{surplus[:3]}. They are not used; unpack the missing image '
            'archives if this is not intended.',
        )


def find_surplus_labels(
    dataset: RawSegDataset, labels: Iterable[str], images: Iterable[str]
) -> list[str]:
    """Label files that belong to no image.

    Converted label files may lie beside the original ones and do not count.

    Args:
        dataset: The dataset.
        labels: Paths of the label files below their folder, without suffix.
        images: Paths of all images below theirs, without suffix.

    Returns:
        Their sorted paths, with suffix.
    """
    suffix, converted = dataset.seg_map_suffix, dataset.TRAIN_ID_SUFFIX
    names = {label + suffix for label in labels}
    if converted != suffix and converted.endswith(suffix):
        names = {name for name in names if not name.endswith(converted)}
    return sorted(names - {stem + suffix for stem in images})
