# SPDX-License-Identifier: Apache-2.0
"""Mapillary Vistas (Neuhold et al., ICCV 2017), releases 1.2 and 2.0."""

from __future__ import annotations

from typing import Any

from mmseg.registry import DATASETS

from .base_dataset import RawSegDataset
from .mapillary_v2 import v2_decoder

__all__ = ['MapillaryRawDataset']

_V2 = 'release 2.0, labels 2.0'


@DATASETS.register_module()
class MapillaryRawDataset(RawSegDataset):
    """Mapillary Vistas: 18,000 training and 2,000 validation images.

    Labels are palette PNGs whose index is the label; sizes vary. The package
    of release 2.0 holds the 66 labels of 1.2 (``v1.2/labels``) and 124 of its
    own (``v2.0/labels``), which are mapped by their names in
    ``config_v2.0.json`` through the labels of 1.2; the log says which were
    found. Class view 'vistas7' is the published one; 'cityscapes19' and
    'cityscapes16' follow a conservative map of our own (``MAPILLARY_NAMES``
    in ``raw_maps.py``).

    Args:
        label_set: '1.2' or '2.0'; None takes the labels of 1.2 where they
            are, else those of 2.0.
        **base_arguments: Arguments of :class:`RawSegDataset`.

    Raises:
        ValueError: Unknown label set, or a wrong config file.
    """

    LABEL_TABLE = 'mapillary_v1'
    DATASET_NAME = 'map7'
    DEFAULT_VIEW = 'vistas7'
    IMG_SUFFIX = '.jpg'
    SPLITS = {'train': 'training', 'val': 'validation', 'test': 'testing'}
    UNLABELED_SPLITS = ('test',)
    LAYOUTS = {
        'release 1.2': {
            'img_path': '{folder}/images',
            'seg_map_path': '{folder}/labels',
        },
        'release 2.0': {
            'img_path': '{folder}/images',
            'seg_map_path': '{folder}/v1.2/labels',
        },
        'renamed splits': {
            'img_path': '{split}/images',
            'seg_map_path': '{split}/labels',
        },
        _V2: {
            'img_path': '{folder}/images',
            'seg_map_path': '{folder}/v2.0/labels',
        },
    }

    def __init__(
        self, *, label_set: str | None = None, **base_arguments: Any
    ) -> None:
        if label_set not in (None, '1.2', '2.0'):
            raise ValueError(
                f'MapillaryRawDataset: label_set={label_set!r} is unknown; '
                "allowed: ['1.2', '2.0'], None for what is found"
            )
        self.label_set = label_set
        super().__init__(**base_arguments)

    def _layout_folders(self, key: str) -> dict[str, str]:
        folders = super()._layout_folders(key)
        if key == 'seg_map_path' and self.label_set is not None:
            wants_v2 = self.label_set == '2.0'
            folders = {
                name: folder
                for name, folder in folders.items()
                if (name == _V2) == wants_v2
            }
        return folders

    def _build_prefix(
        self, data_root: str | None, data_prefix: dict | None
    ) -> dict[str, str]:
        prefix = super()._build_prefix(data_root, data_prefix)
        is_v2 = self.label_layout == _V2 or self.label_set == '2.0'
        if self.labeled and is_v2 and self.label_format == 'raw':
            self.label_decoder = v2_decoder(data_root or '', self.view)
        return prefix
