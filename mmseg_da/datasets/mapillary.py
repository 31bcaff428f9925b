# SPDX-License-Identifier: Apache-2.0
"""Mapillary Vistas (Neuhold et al., ICCV 2017), the 66 labels of 1.2."""

from __future__ import annotations

from mmseg.registry import DATASETS

from .base_dataset import RawSegDataset

__all__ = ['MapillaryRawDataset']


@DATASETS.register_module()
class MapillaryRawDataset(RawSegDataset):
    """Mapillary Vistas 1.2: 18,000 training and 2,000 validation images.

    Labels are palette PNGs whose index is the label; sizes vary. The package
    of release 2.0 works too, through its ``v1.2`` label folder. Class view
    'vistas7' is the published one; 'cityscapes19' and 'cityscapes16' follow a
    conservative map of our own (``MAPILLARY_NAMES`` in ``raw_maps.py``).
    Arguments: see :class:`RawSegDataset`.
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
    }
