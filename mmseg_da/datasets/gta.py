# SPDX-License-Identifier: Apache-2.0
"""GTA5 ("Playing for Data", Richter et al., ECCV 2016)."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log
from mmseg.registry import DATASETS

from .base_dataset import RawSegDataset
from .image_files import png_size
from .image_listing import list_labels
from .zip_files import is_file, split_zip_path

__all__ = ['GTADataset']

# Pairs of the release whose image and label differ in size.
_FAULTY = ('15188', '17705')


@DATASETS.register_module()
class GTADataset(RawSegDataset):
    """GTA5 as downloaded: 24,966 images with palette PNG labels.

    The palette index is the Cityscapes label id (license plate: 34). Image
    sizes vary (nominal 1914x1052). The release has pairs known to be faulty
    (15188, 17705); where image and label really differ in size they are left
    out with a warning.

    Args:
        every_label: Refuse a set in which a label has no image: a translated
            copy (CycleGAN) has to be complete. Defaults to False.
        **base_arguments: Arguments of :class:`RawSegDataset`.

    Raises:
        FileNotFoundError: With ``every_label``, images are missing.
    """

    LABEL_TABLE = 'gta'
    DATASET_NAME = 'gta'
    TRAIN_ID_SUFFIX = '_labelTrainIds.png'
    LAYOUTS = {
        'plain layout': {'img_path': 'images', 'seg_map_path': 'labels'},
        'zip archives': {
            'img_path': '*_images.zip/images',
            'seg_map_path': '*_labels.zip/labels',
        },
    }

    def __init__(
        self, *, every_label: bool = False, **base_arguments: Any
    ) -> None:
        self.every_label = every_label
        super().__init__(**base_arguments)

    def _attach_labels(
        self, samples: list[dict], images: Sequence[str]
    ) -> None:
        super()._attach_labels(samples, images)
        if not self.every_label:
            return
        labels = list_labels(self)
        known = set(images)
        missing = [stem for stem in labels if stem not in known]
        if missing:
            folder = self.data_prefix['img_path']
            first = os.path.join(folder, missing[0] + self.img_suffix)
            raise FileNotFoundError(
                f'{self._title()}: {len(missing)} of {len(labels)} labels '
                f'have no image in {folder}; the first missing one is '
                f'{first}. Translate the remaining images, or set '
                'every_label=False to train on those that are there.'
            )

    def _without_skipped(self, stems: list[str]) -> list[str]:
        stems = super()._without_skipped(stems)
        if not self.labeled or not self.img_suffix.endswith('.png'):
            return stems
        faulty = [x for x in _FAULTY if x in stems and self._differs(x)]
        if faulty:
            print_log(
                f'{self._title()}: left out {faulty}, known faulty pairs of '
                'the release: image and label differ in size.',
                'current',
                level=logging.WARNING,
            )
        return [stem for stem in stems if stem not in faulty]

    def _differs(self, stem: str) -> bool:
        folder = self._folder('seg_map_path')
        label = os.path.join(folder, stem + self.seg_map_suffix)
        place = split_zip_path(label)
        exists = is_file(*place) if place else os.path.isfile(label)
        if not exists:
            return False
        return png_size(self._img_path(stem)) != png_size(label)
