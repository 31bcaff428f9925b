# SPDX-License-Identifier: Apache-2.0
"""Checks of a data set's folders: found, counted, paired."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from mmseg_da.datasets.base_dataset import RawSegDataset
from mmseg_da.datasets.file_listing import list_stems
from mmseg_da.datasets.image_listing import find_twins, list_images
from mmseg_da.datasets.name_checks import find_surplus_labels
from mmseg_da.datasets.release_facts import release_of
from mmseg_da.datasets.sequence_dataset import SequenceDataset
from mmseg_da.utils.tool_runner import error_text

from ..report import Check
from .config_datasets import DatasetUse
from .street_world import street_world_of

__all__ = ['folder_checks', 'open_dataset']

_BUILD_ERRORS = (ValueError, OSError, KeyError, TypeError, AttributeError)


def open_dataset(use: DatasetUse) -> tuple[BaseDataset | None, list[Check]]:
    """Build a data set the way training does, without its pipeline.

    Args:
        use: The data set.

    Returns:
        The data set, or None with the check that says why not.
    """
    try:
        dataset = DATASETS.build({**use.cfg, 'pipeline': []})
        dataset.full_init()
    except _BUILD_ERRORS as error:
        key = use.places[0]
        return None, [
            Check(
                use.title,
                'fail',
                error_text(error),
                f'mend {key} or the folder (docs/data.md shows the tree)',
            )
        ]
    if len(dataset) == 0:
        advice = f'check data_root, split and indices of {use.places[0]}'
        return None, [Check(use.title, 'fail', 'no image in it', advice)]
    return dataset, []


def folder_checks(use: DatasetUse, dataset: BaseDataset) -> list[Check]:
    """Check number and names of the files of a data set that was built.

    Args:
        use: Where the config names it.
        dataset: The data set.

    Returns:
        One row that names what was found, then one per finding.
    """
    if not isinstance(dataset, RawSegDataset):
        name = type(dataset).__name__
        value = f'{name}, {len(dataset)} images; not one of this suite, so '
        value += 'only images and sizes are checked'
        return [Check(use.title, 'ok', value)]
    world = street_world_of(dataset.data_root)
    folder = dataset.data_prefix['img_path']
    stems = list_images(dataset)
    layout = dataset.layout
    if dataset.labeled and dataset.label_layout != layout:
        layout += f', labels: {dataset.label_layout}'
    value = f'{type(dataset).__name__}, {layout}, '
    value += f'{len(stems)} images in {folder}'
    if len(dataset) != len(stems):
        value += f', {len(dataset)} used'
    if world is not None:
        value += ' (StreetWorld)'
    checks = [Check(use.title, 'ok', value)]
    if world is not None and world.problem:
        advice = 'delete the folder and run tools/make_street_world.py again'
        checks.append(Check(use.title, 'fail', world.problem, advice))
    checks += _count_checks(use.title, dataset, len(stems))
    checks += _twin_checks(use.title, dataset, stems)
    checks += _surplus_checks(use.title, dataset, stems)
    return checks


def _count_checks(
    title: str, dataset: RawSegDataset, count: int
) -> Iterator[Check]:
    """Compare the number of images with the known one."""
    # Video datasets list all frames, of which nobody published a count.
    is_video = isinstance(dataset, SequenceDataset)
    if is_video and getattr(dataset, 'frames', 'all') == 'all':
        return
    if dataset.layout == 'own folders':
        return
    world = street_world_of(dataset.data_root)
    if world is not None:
        expected = world.counts.get(dataset.split or 'train')
        origin = 'the manifest of this StreetWorld folder'
    else:
        expected = release_of(type(dataset)).counts.get(dataset.split)
        origin = 'the complete release'
    if expected is None or count == expected:
        return
    split = f'{dataset.split} ' if dataset.split else ''
    yield Check(
        f'{title}: count',
        'warn',
        f'{count} {split}images found, {origin} has {expected}',
        'unpack the missing archives, or go on if the subset is intended'
        if count < expected
        else 'look for archives that were unpacked twice',
    )


def _twin_checks(
    title: str, dataset: RawSegDataset, stems: Sequence[str]
) -> Iterator[Check]:
    """Images that lie there a second time with another suffix."""
    twins = find_twins(dataset, stems)
    if twins:
        yield Check(
            f'{title}: duplicates',
            'warn',
            f'{len(twins)} images have a second file with the same stem, '
            f'e.g. {twins[0]}; only *{dataset.img_suffix} is read',
            'delete one kind, or choose by img_suffix',
        )


def _surplus_checks(
    title: str, dataset: RawSegDataset, stems: Sequence[str]
) -> Iterator[Check]:
    """Label files without an image."""
    if not dataset.labeled:
        return
    folder = dataset.data_prefix['seg_map_path']
    labels = list_stems(folder, dataset.seg_map_suffix)
    surplus = find_surplus_labels(dataset, labels, stems)
    if surplus:
        yield Check(
            f'{title}: pairs',
            'warn',
            f'{len(surplus)} label files have no image, e.g. {surplus[:3]}; '
            'they are not used',
            'unpack the missing image archives, or go on if the subset is '
            'intended',
        )
