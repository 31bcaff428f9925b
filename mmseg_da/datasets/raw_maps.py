# SPDX-License-Identifier: Apache-2.0
"""Class names and the maps from raw label ids onto them.

The raw material of :mod:`mmseg_da.datasets.class_views`, which is what the
rest of the suite imports.
"""

from __future__ import annotations

from collections.abc import Mapping

from .raw_labels import RAW_LABELS

CLASSES_19 = (
    'road',
    'sidewalk',
    'building',
    'wall',
    'fence',
    'pole',
    'traffic light',
    'traffic sign',
    'vegetation',
    'terrain',
    'sky',
    'person',
    'rider',
    'car',
    'truck',
    'bus',
    'train',
    'motorcycle',
    'bicycle',
)
# SYNTHIA has no terrain, truck and train.
CLASSES_16 = tuple(
    name for name in CLASSES_19 if name not in ('terrain', 'truck', 'train')
)
CLASSES_13 = tuple(
    name for name in CLASSES_16 if name not in ('wall', 'fence', 'pole')
)
CLASSES_7 = (
    'flat',
    'construction',
    'object',
    'nature',
    'sky',
    'human',
    'vehicle',
)
CLASSES_CAMVID = tuple(x.name for x in RAW_LABELS['camvid'][:11])

# Raw names that differ from the class they belong to.
SYNTHIA_NAMES = {'pedestrian': 'person'}
# Our own conservative choice (no published system maps Vistas to 19
# classes): after the Cityscapes labelling policy, road includes its markings
# and sidewalk its curb and pedestrian zones; whatever is doubtful (bike lane,
# parking, street light, back of signs, other vehicles ...) is ignored.
MAPILLARY_NAMES = {
    'crosswalk - plain': 'road',
    'lane marking - crosswalk': 'road',
    'lane marking - general': 'road',
    'service lane': 'road',
    'curb': 'sidewalk',
    'curb cut': 'sidewalk',
    'pedestrian area': 'sidewalk',
    'utility pole': 'pole',
    'traffic sign (front)': 'traffic sign',
    'bicyclist': 'rider',
    'motorcyclist': 'rider',
    'other rider': 'rider',
    'on rails': 'train',
}
CAMVID_NAMES = {
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
}


def map_by_name(
    table: str, classes: tuple[str, ...], renamed: Mapping[str, str]
) -> dict[int, int]:
    """Map raw ids whose (renamed) name is a class onto that class."""
    names = {x.id: renamed.get(x.name, x.name) for x in RAW_LABELS[table]}
    return {
        raw: classes.index(name)
        for raw, name in names.items()
        if name in classes
    }


def _number_groups(*raw_ids: tuple[int, ...]) -> dict[int, int]:
    """Map the n-th group of raw ids onto train id n."""
    return {raw: i for i, group in enumerate(raw_ids) for raw in group}


# The 7-class maps differ between the datasets on purpose, as published with
# DADA (Vu et al., ICCV 2019) and used by its successors: terrain is flat in
# Vistas and nature in Cityscapes; SYNTHIA leaves out motorcycle, rider, bus
# and wall but counts lane marking as flat.
CITYSCAPES_7 = _number_groups(
    (7, 8),
    (11, 12, 13),
    (17, 19, 20),
    (21, 22),
    (23,),
    (24, 25),
    (26, 27, 28, 29, 30, 31, 32, 33),
)
SYNTHIA_7 = _number_groups(
    (3, 4, 22), (2, 5), (7, 9, 15), (6,), (1,), (10,), (8, 11)
)
MAPILLARY_7 = _number_groups(
    (7, 8, 9, 10, 11, 12, 13, 14, 15, 23, 24, 29),
    (2, 3, 4, 5, 6, 16, 17, 18),
    (43, 44, 45, 46, 47, 48, 49, 50),
    (30,),
    (27,),
    (19, 20, 21, 22),
    (52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62),
)
