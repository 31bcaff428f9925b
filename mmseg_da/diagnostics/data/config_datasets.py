# SPDX-License-Identifier: Apache-2.0
"""Find every data set that a config names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

__all__ = ['DatasetUse', 'find_datasets']

_PLACES = (
    'train_dataloader',
    'val_dataloader',
    'test_dataloader',
    'custom_hooks',
    'default_hooks',
)
# What does not change which files are read.
_NOT_FILES = (
    'pipeline',
    'serialize_data',
    'lazy_init',
    'max_refetch',
    'cache',
)
# Where wrappers hold data sets: concatenations, PairedGeometryDataset,
# PartlyLabeledDataset.
_PARTS = ('source', 'target', 'labeled', 'unlabeled')
_MEMBERS = ('dataset', 'datasets', *_PARTS)
_PART = '|'.join(rf'\.{name}' for name in _PARTS)
_DATASET_KEY = re.compile(rf'(^|\.)(dataset|datasets\[\d+\])({_PART})*$')


@dataclass(frozen=True)
class DatasetUse:
    """A data set of a config.

    Attributes:
        title: Short name for tables, e.g. ``'train[0]'`` or ``'val+test'``.
        places: Config keys that name it.
        cfg: Its config, without pipeline.
    """

    title: str
    places: tuple[str, ...]
    cfg: dict[str, Any]


def find_datasets(cfg: Config) -> list[DatasetUse]:
    """All data sets of the loaders and hooks of a config.

    Wrappers (concatenations, ...) are looked through; data sets that read
    the same files, whatever their pipelines, become one entry.

    Args:
        cfg: The config.
    """
    found: dict[str, tuple[list[str], list[str], dict]] = {}
    for place in _PLACES:
        for key, node in _walk(cfg.get(place), place):
            plain = {k: v for k, v in node.items() if k not in _NOT_FILES}
            name = json.dumps(plain, sort_keys=True, default=str)
            titles, places, _ = found.setdefault(name, ([], [], plain))
            titles.append(_title(key, cfg))
            places.append(key)
    return [
        DatasetUse('+'.join(dict.fromkeys(titles)), tuple(places), plain)
        for titles, places, plain in found.values()
    ]


def _walk(node: Any, key: str) -> Iterator[tuple[str, Mapping]]:
    """Configs of data sets below a node, with their keys."""
    if isinstance(node, Mapping):
        if _is_dataset(node, key):
            yield key, node
            return
        for name, value in node.items():
            if name != 'pipeline':
                yield from _walk(value, f'{key}.{name}')
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _walk(value, f'{key}[{index}]')


def _is_dataset(node: Mapping, key: str) -> bool:
    # `labeled` is also a switch of single data sets.
    members = [node.get(name) for name in _MEMBERS]
    is_wrapper = any(isinstance(x, (Mapping, list, tuple)) for x in members)
    if 'type' not in node or is_wrapper:
        return False
    type_ = node['type']
    cls = DATASETS.get(type_) if isinstance(type_, str) else type_
    if isinstance(cls, type):
        return issubclass(cls, BaseDataset)
    # A misspelt type must not make a data set invisible.
    return bool(_DATASET_KEY.search(key))


def _title(key: str, cfg: Config) -> str:
    head, _, rest = key.partition('.')
    if head.endswith('_dataloader'):
        indices = re.findall(rf'\[\d+\]|(?:{_PART})(?=\.|$)', rest)
        return head.removesuffix('_dataloader') + ''.join(indices)
    if head.startswith('custom_hooks['):
        hook = cfg.custom_hooks[int(head[13:-1])]
        return str(hook.get('type', head))
    return '.'.join(key.split('.')[:2])
