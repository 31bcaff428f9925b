# SPDX-License-Identifier: Apache-2.0
"""Cityscapes (Cordts et al., CVPR 2016) with its raw label ids."""

from __future__ import annotations

from mmseg.registry import DATASETS

from .base_dataset import RawSegDataset

__all__ = ['CityscapesRawDataset']


@DATASETS.register_module()
class CityscapesRawDataset(RawSegDataset):
    """Cityscapes fine annotations as downloaded (``_labelIds.png``).

    2975 training, 500 validation and 1525 test images of 2048x1024, the last
    without public labels (``labeled`` is False there). Unpacked in place or
    into folders with the archives' names. Arguments: see
    :class:`RawSegDataset`.
    """

    LABEL_TABLE = 'cityscapes'
    DATASET_NAME = 'cs'
    IMG_SUFFIX = '_leftImg8bit.png'
    SEG_MAP_SUFFIX = '_gtFine_labelIds.png'
    TRAIN_ID_SUFFIX = '_gtFine_labelTrainIds.png'
    SPLITS = {'train': 'train', 'val': 'val', 'test': 'test'}
    UNLABELED_SPLITS = ('test',)
    LAYOUTS = {
        'plain layout': {
            'img_path': 'leftImg8bit/{split}',
            'seg_map_path': 'gtFine/{split}',
        },
        'zip-name layout': {
            'img_path': 'leftImg8bit_trainvaltest/leftImg8bit/{split}',
            'seg_map_path': 'gtFine_trainvaltest/gtFine/{split}',
        },
        'zip archives': {
            'img_path': 'leftImg8bit_trainvaltest.zip/leftImg8bit/{split}',
            'seg_map_path': 'gtFine_trainvaltest.zip/gtFine/{split}',
        },
    }
