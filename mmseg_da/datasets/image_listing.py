# SPDX-License-Identifier: Apache-2.0
"""Which files of a dataset's folders are its images and its labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .file_listing import describe_content, list_stems

if TYPE_CHECKING:
    from .base_dataset import RawSegDataset

__all__ = ['find_twins', 'list_images', 'list_labels']

_FORMATS = ('png', 'jpg', 'jpeg', 'bmp', 'tif', 'tiff', 'webp')


def list_images(dataset: RawSegDataset) -> list[str]:
    """List the images of a dataset.

    Masks that lie beside them (``x.png``, ``x_mask.png``) are left out. An
    unlabelled set knows them by its ``seg_map_suffix``.

    Args:
        dataset: The dataset; its image folder exists.

    Returns:
        Sorted paths below the image folder, without suffix.

    Raises:
        FileNotFoundError: The folder holds no image.
    """
    suffix, masks = dataset.img_suffix, dataset.seg_map_suffix
    stems = list_stems(dataset.data_prefix['img_path'], suffix)
    may_hold_masks = not dataset.labeled or _share_a_folder(dataset)
    if may_hold_masks and masks != suffix and masks.endswith(suffix):
        end = masks.removesuffix(suffix)
        stems = [stem for stem in stems if not stem.endswith(end)]
    if not stems:
        _raise_empty(dataset, 'img_path', 'images', 'img_suffix')
    return stems


def list_labels(dataset: RawSegDataset) -> list[str]:
    """List the label files of a labelled dataset.

    Args:
        dataset: The dataset; its label folder exists.

    Returns:
        Sorted paths below the label folder, without suffix.

    Raises:
        FileNotFoundError: The folder holds no label file.
    """
    folder = dataset.data_prefix['seg_map_path']
    stems = list_stems(folder, dataset.seg_map_suffix)
    if not stems:
        _raise_empty(dataset, 'seg_map_path', 'labels', 'seg_map_suffix')
    return stems


def find_twins(dataset: RawSegDataset, stems: Sequence[str]) -> list[str]:
    """Files that are an image of the set once more, in another format.

    Args:
        dataset: The dataset.
        stems: Paths of its images below the image folder, without suffix.

    Returns:
        Their sorted paths below the image folder, with suffix.
    """
    suffix = dataset.img_suffix
    before = suffix.rpartition('.')[0]
    known = {stem + before for stem in stems}
    masks = dataset.seg_map_suffix if _share_a_folder(dataset) else suffix
    twins = []
    for path in list_stems(dataset.data_prefix['img_path'], ''):
        name, _, kind = path.rpartition('.')
        is_image = name in known and kind.lower() in _FORMATS
        if is_image and not path.endswith((suffix, masks)):
            twins.append(path)
    return twins


def _share_a_folder(dataset: RawSegDataset) -> bool:
    """Whether images and labels lie in one folder."""
    images = dataset.data_prefix['img_path']
    labels = dataset.data_prefix.get('seg_map_path')
    return labels is not None and (
        os.path.normpath(images) == os.path.normpath(labels)
    )


def _raise_empty(
    dataset: RawSegDataset, key: str, what: str, argument: str
) -> None:
    folder = dataset.data_prefix[key]
    raise FileNotFoundError(
        f'{type(dataset).__name__} ({dataset.dataset_name}): no {what} '
        f'ending in {getattr(dataset, argument)!r} in {folder}: '
        f'{describe_content(folder)}. Set {argument}, or check the folder.\n'
        f'{dataset.expected_folders()}'
    )
