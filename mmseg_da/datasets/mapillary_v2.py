# SPDX-License-Identifier: Apache-2.0
"""Mapillary Vistas 2.0: its 124 labels, mapped by their names."""

from __future__ import annotations

import json
import os

import numpy as np

from .class_views import IGNORE_INDEX, RAW_LABELS, ClassView
from .image_files import read_file
from .label_decoding import LabelDecoder
from .zip_files import split_zip_path

__all__ = ['CONFIG_NAMES', 'as_release_1', 'v2_decoder']

CONFIG_NAMES = ('config_v2.0.json', 'config.json')

# Our own choice (no published system trains on the labels of 2.0): a label
# that 2.0 split off goes back to the label of 1.2 it came from, where that is
# beyond doubt. All others (road shoulder, pole group, ...) are ignored.
_RENAMED = {
    'parking aisle': 'parking',
    'garage': 'building',
    'temporary barrier': 'barrier',
    'traffic sign - ambiguous': '',
}
_STARTS = {
    'lane marking - crosswalk': 'lane marking - crosswalk',
    'lane marking (only) - crosswalk': 'lane marking - crosswalk',
    'lane marking': 'lane marking - general',
    'traffic light': 'traffic light',
    'signage': 'billboard',
}


def as_release_1(readable: str) -> str:
    """Name of a label of 2.0 in the table of 1.2; its own if unchanged.

    Args:
        readable: Readable name of config_v2.0.json, any case.
    """
    name = readable.lower()
    if name in _RENAMED:
        return _RENAMED[name]
    for start, target in _STARTS.items():
        if name.startswith(start):
            return target
    if name.startswith('traffic sign') and name != 'traffic sign frame':
        side = 'back' if name.endswith('(back)') else 'front'
        return f'traffic sign ({side})'
    return name


def v2_decoder(data_root: str, view: ClassView) -> LabelDecoder:
    """Decoder of the ``v2.0/labels`` files.

    Args:
        data_root: Folder with config_v2.0.json.
        view: Class view with a map for 'mapillary_v1'.

    Raises:
        FileNotFoundError: No config file.
        ValueError: The config file is of another release, or broken.
    """
    path, names = _read_names(data_root)
    ids = {label.name: label.id for label in RAW_LABELS['mapillary_v1']}
    mapping = view.mapping('mapillary_v1')
    lut = np.full(256, IGNORE_INDEX, np.uint8)
    for raw, name in enumerate(names):
        train = mapping.get(ids.get(as_release_1(name), -1))
        if train is not None:
            lut[raw] = train
    empty = set(mapping.values()) - set(lut.tolist())
    if empty or len(names) < 100:
        classes = [view.classes[i] for i in sorted(empty)]
        lacking = f', no label for {classes}' if classes else ''
        raise ValueError(
            f'{path}: {len(names)} labels{lacking}; expected the 124 labels '
            'of Vistas 2.0. Put config_v2.0.json of the same package there, '
            "or use label_set='1.2'."
        )
    known = np.arange(256) < len(names)
    return LabelDecoder(
        name='raw Mapillary Vistas 2.0 labels',
        encoding='index8',
        lut=lut,
        known=known,
        mend=f'{path} lists {len(names)} labels; are the label files of the '
        'same release?',
    )


def _read_names(data_root: str) -> tuple[str, list[str]]:
    for name in CONFIG_NAMES:
        path = os.path.join(data_root, name)
        if split_zip_path(path) is None and not os.path.isfile(path):
            continue
        try:
            labels = json.loads(read_file(path))['labels']
            return path, [str(label['readable']) for label in labels]
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path}: no Vistas config file ({type(error).__name__}: '
                f"{error}). Expected JSON with 'labels', each with a "
                "'readable' name; unpack it again."
            ) from error
    raise FileNotFoundError(
        f'Mapillary Vistas 2.0 labels need {CONFIG_NAMES[0]} in '
        f'{data_root!r}: their numbers are defined there. Unpack it from the '
        "package, or use label_set='1.2'."
    )
