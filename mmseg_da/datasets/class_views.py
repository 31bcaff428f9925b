# SPDX-License-Identifier: Apache-2.0
"""Class views: which raw label id of which dataset is which training class.

The single source of truth for class names, colours and raw-id maps; loaders,
losses, metrics, submissions and tables all read it. A raw id that a map does
not list becomes :data:`IGNORE_INDEX`, on every dataset.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from .raw_labels import RAW_LABELS, RawLabel
from .raw_maps import (
    CAMVID_NAMES,
    CITYSCAPES_7,
    CLASSES_7,
    CLASSES_13,
    CLASSES_16,
    CLASSES_19,
    CLASSES_CAMVID,
    MAPILLARY_7,
    MAPILLARY_NAMES,
    SYNTHIA_7,
    SYNTHIA_NAMES,
    map_by_name,
)

__all__ = [
    'CLASS_VIEWS',
    'IGNORE_INDEX',
    'RAW_LABELS',
    'SUBSETS',
    'ClassView',
    'RawLabel',
    'get_class_view',
]

IGNORE_INDEX = 255

# Raw id that stands for "nothing" in files written for a dataset.
_VOID_NAMES = ('unlabeled', 'unlabelled', 'void')


def _nearest(value: str, allowed: list[str]) -> str:
    """Return ' Did you mean ...?' when an allowed name is close."""
    close = difflib.get_close_matches(str(value), allowed, n=1)
    return f' Did you mean {close[0]!r}?' if close else ''


@dataclass(frozen=True)
class ClassView:
    """A set of training classes and the raw ids that feed each of them.

    Args:
        name: Registered name, e.g. ``'cityscapes19'``.
        classes: Class names; the position is the train id.
        palette: RGB colour of every class, channels in [0, 255].
        raw_to_train: For each supported label table the map from raw id to
            train id. Ids that are not listed are ignored.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    raw_to_train: Mapping[str, Mapping[int, int]]

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.palette):
            raise ValueError(
                f'class view {self.name!r}: {len(self.classes)} classes but '
                f'{len(self.palette)} palette colours; give one per class'
            )
        for table, mapping in self.raw_to_train.items():
            for raw, train in mapping.items():
                if not (0 <= raw <= 255 and 0 <= train < len(self.classes)):
                    raise ValueError(
                        f'class view {self.name!r}, table {table!r}: '
                        f'{raw} -> {train} is outside raw ids 0..255 or train '
                        f'ids 0..{len(self.classes) - 1}'
                    )

    @property
    def num_classes(self) -> int:
        """Number of training classes."""
        return len(self.classes)

    def metainfo(self) -> dict:
        """Class names and palette as mmseg's datasets want them."""
        return {
            'classes': self.classes,
            'palette': [list(color) for color in self.palette],
        }

    def mapping(self, dataset: str) -> Mapping[int, int]:
        """Map from raw id to train id of one label table.

        Args:
            dataset: Label table, a key of :data:`RAW_LABELS`.

        Raises:
            ValueError: The view has no map for this table.
        """
        if dataset not in self.raw_to_train:
            allowed = sorted(self.raw_to_train)
            raise ValueError(
                f'class view {self.name!r} has no map for the label table '
                f'{dataset!r}; it knows {allowed}.'
                f'{_nearest(dataset, allowed)} Choose another class_view or '
                'add the map to mmseg_da/datasets/class_views.py.'
            )
        return self.raw_to_train[dataset]

    def lut(self, dataset: str) -> np.ndarray:
        """Look-up table from raw ids to train ids.

        Args:
            dataset: Label table, a key of :data:`RAW_LABELS`.

        Returns:
            uint8 array of shape (256,); unlisted ids hold 255.
        """
        table = np.full(256, IGNORE_INDEX, np.uint8)
        for raw, train in self.mapping(dataset).items():
            table[raw] = train
        return table

    def to_raw(self, dataset: str) -> np.ndarray:
        """Look-up table from train ids back to raw ids, for submissions.

        Args:
            dataset: Label table, a key of :data:`RAW_LABELS`.

        Returns:
            uint8 array of shape (256,); values that are no train id hold the
            dataset's void id.

        Raises:
            ValueError: The view merges several raw ids into one class, so
                the way back is not defined.
        """
        sources: dict[int, list[int]] = {}
        for raw, train in self.mapping(dataset).items():
            sources.setdefault(train, []).append(raw)
        for train, raws in sources.items():
            if len(raws) > 1:
                raise ValueError(
                    f'class view {self.name!r} merges the {dataset} ids '
                    f'{raws} into {self.classes[train]!r}: its predictions '
                    f'cannot be written as {dataset} label ids. Use a view '
                    'with one id per class, e.g. cityscapes19.'
                )
        void = next(x.id for x in RAW_LABELS[dataset] if x.name in _VOID_NAMES)
        table = np.full(256, void, np.uint8)
        for train, raws in sources.items():
            table[train] = raws[0]
        return table

    def indices_of(self, names: tuple[str, ...]) -> tuple[int, ...]:
        """Train ids of the given class names.

        Raises:
            ValueError: A name is no class of this view.
        """
        for name in names:
            if name not in self.classes:
                raise ValueError(
                    f'{name!r} is no class of view {self.name!r}; classes: '
                    f'{list(self.classes)}'
                )
        return tuple(self.classes.index(name) for name in names)


def _palette(*names: str) -> tuple[tuple[int, int, int], ...]:
    """Cityscapes colours of the given labels."""
    colors = {x.name: x.color for x in RAW_LABELS['cityscapes']}
    return tuple(colors[name] for name in names)


def _cityscapes_view(name: str, classes: tuple[str, ...]) -> ClassView:
    maps = {
        'cityscapes': map_by_name('cityscapes', classes, {}),
        'gta': map_by_name('gta', classes, {}),
        'synthia': map_by_name('synthia', classes, SYNTHIA_NAMES),
        'mapillary_v1': map_by_name('mapillary_v1', classes, MAPILLARY_NAMES),
    }
    return ClassView(name, classes, _palette(*classes), maps)


def _vistas_view() -> ClassView:
    maps = {
        'cityscapes': dict(CITYSCAPES_7),
        'gta': dict(CITYSCAPES_7),
        'synthia': dict(SYNTHIA_7),
        'mapillary_v1': dict(MAPILLARY_7),
    }
    palette = _palette(
        'road', 'building', 'pole', 'vegetation', 'sky', 'person', 'car'
    )
    return ClassView('vistas7', CLASSES_7, palette, maps)


def _camvid_view() -> ClassView:
    maps = {
        table: map_by_name(table, CLASSES_CAMVID, CAMVID_NAMES)
        for table in ('camvid', 'cityscapes', 'gta', 'synthia')
    }
    palette = tuple(x.color for x in RAW_LABELS['camvid'][:11])
    return ClassView('camvid11', CLASSES_CAMVID, palette, maps)


CLASS_VIEWS: Mapping[str, ClassView] = MappingProxyType(
    {
        'cityscapes19': _cityscapes_view('cityscapes19', CLASSES_19),
        'cityscapes16': _cityscapes_view('cityscapes16', CLASSES_16),
        'vistas7': _vistas_view(),
        'camvid11': _camvid_view(),
    }
)

# Class subsets that only the metrics know: the mean is taken over these
# classes of one confusion matrix, nothing is trained again.
SUBSETS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        'cityscapes19': MappingProxyType({'16': CLASSES_16, '13': CLASSES_13}),
        'cityscapes16': MappingProxyType({'13': CLASSES_13}),
    }
)


def get_class_view(name: str) -> ClassView:
    """Return the class view of that name.

    Args:
        name: Key of :data:`CLASS_VIEWS`.

    Raises:
        ValueError: No such view; the message lists the allowed names.
    """
    if name not in CLASS_VIEWS:
        allowed = sorted(CLASS_VIEWS)
        raise ValueError(
            f'unknown class_view {name!r}; allowed: {allowed}.'
            f'{_nearest(name, allowed)}'
        )
    return CLASS_VIEWS[name]
