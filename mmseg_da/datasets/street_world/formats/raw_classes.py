# SPDX-License-Identifier: Apache-2.0
"""Label ids of the renderer (Cityscapes) to raw ids of other datasets.

Every map is by class name, so that the id tables stay in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from ...class_views import RAW_LABELS

__all__ = ['COLOR_OF_ID', 'RAW_ID_OF_LABEL', 'palette_of']

# Cityscapes name -> name in the other table, where they differ. None: the
# dataset has no such class (SYNTHIA-RAND-CITYSCAPES lists terrain, truck and
# train but never uses them).
_RENAMED: Mapping[str, Mapping[str, str | None]] = {
    'synthia': {
        'person': 'pedestrian',
        'parking': 'parking-slot',
        'terrain': None,
        'truck': None,
        'train': None,
    },
    'mapillary_v1': {
        'polegroup': 'pole',
        'traffic sign': 'traffic sign (front)',
        'rider': 'bicyclist',
        'train': 'on rails',
    },
    'camvid': {
        'wall': 'building',
        'sidewalk': 'pavement',
        'vegetation': 'tree',
        'terrain': 'tree',
        'traffic sign': 'sign',
        'traffic light': 'sign',
        'truck': 'car',
        'bus': 'car',
        'person': 'pedestrian',
        'rider': 'bicyclist',
        'bicycle': 'bicyclist',
        'motorcycle': 'bicyclist',
    },
}
_VOID = {
    'synthia': 'void',
    'mapillary_v1': 'unlabeled',
    'camvid': 'unlabelled',
}


def _table_by_name(dataset: str) -> np.ndarray:
    """Look-up table uint8 (256,) from Cityscapes ids to raw ids."""
    ids = {label.name: label.id for label in RAW_LABELS[dataset]}
    renamed = _RENAMED[dataset]
    table = np.full(256, ids[_VOID[dataset]], np.uint8)
    for label in RAW_LABELS['cityscapes']:
        name = renamed.get(label.name, label.name)
        if label.id >= 0 and name in ids:
            table[label.id] = ids[name]
    table.flags.writeable = False
    return table


def _colors(dataset: str) -> np.ndarray:
    """RGB colours uint8 (256, 3) of the raw ids of a dataset."""
    table = np.zeros((256, 3), np.uint8)
    for label in RAW_LABELS[dataset]:
        if label.id >= 0:
            table[label.id] = label.color
    table.flags.writeable = False
    return table


RAW_ID_OF_LABEL: Mapping[str, np.ndarray] = MappingProxyType(
    {dataset: _table_by_name(dataset) for dataset in _RENAMED}
)
COLOR_OF_ID: Mapping[str, np.ndarray] = MappingProxyType(
    {dataset: _colors(dataset) for dataset in RAW_LABELS}
)


def palette_of(dataset: str) -> list[tuple[int, int, int]]:
    """PNG palette of a dataset: the colour of id 0, 1, ... in order."""
    return [x.color for x in RAW_LABELS[dataset] if x.id >= 0]
