# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.dataset import BaseDataset, ConcatDataset
from mmseg.registry import DATASETS

from .draw import DrawIndex, seeded_draw


@DATASETS.register_module()
class DomainConcatDataset(ConcatDataset):
    """The training sources (source, target, labelled target, ...) in a row.

    Each member keeps its own pipeline, ending in :class:`MultiBranch`. All
    members must speak the same class view: mixing 19- and 16-class labels is
    refused here, before the first iteration. An index that carries a draw key
    (:class:`~mmseg_da.datasets.draw.DrawIndex`, emitted by
    :class:`MultiSourceSampler`) seeds the augmentation of that sample.

    Args:
        datasets (Sequence[BaseDataset | dict]): Member datasets or configs,
            in the order of the sampler's ``source_ratio``.
        lazy_init (bool): Do not list the files yet. Defaults to False.

    Raises:
        ValueError: If a member is empty or the class views differ.
    """

    def __init__(
        self,
        datasets: Sequence[BaseDataset | dict],
        lazy_init: bool = False,
    ) -> None:
        built = [
            DATASETS.build(item) if isinstance(item, dict) else item
            for item in datasets
        ]
        _check_class_views(built)
        keys = {key for item in built for key in item.metainfo}
        super().__init__(built, lazy_init=lazy_init, ignore_keys=sorted(keys))

    def __getitem__(self, idx: int) -> Any:
        if not isinstance(idx, DrawIndex):
            return super().__getitem__(idx)
        with seeded_draw(idx.key):
            return super().__getitem__(int(idx))


def _check_class_views(datasets: Sequence[BaseDataset]) -> None:
    first = datasets[0].metainfo
    for i, dataset in enumerate(datasets[1:], 1):
        metainfo = dataset.metainfo
        if tuple(metainfo['classes']) != tuple(first['classes']):
            raise ValueError(
                f'train_dataloader.dataset.datasets[{i}] '
                f'({metainfo.get("dataset_name", type(dataset).__name__)}) '
                f'has class view {metainfo.get("class_view", "unknown")!r} '
                f'with {len(metainfo["classes"])} classes, but datasets[0] '
                f'({first.get("dataset_name", type(datasets[0]).__name__)}) '
                f'has {first.get("class_view", "unknown")!r} with '
                f'{len(first["classes"])}. Give all members the same '
                '`class_view`.'
            )
