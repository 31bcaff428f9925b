# SPDX-License-Identifier: Apache-2.0
"""Synscapes (Wrenninge and Unger, arXiv:1810.08705)."""

from __future__ import annotations

from mmseg.registry import DATASETS

from .base_dataset import RawSegDataset

__all__ = ['SynscapesDataset']


@DATASETS.register_module()
class SynscapesDataset(RawSegDataset):
    """Synscapes as downloaded: 25,000 images with Cityscapes label ids.

    Images of 1440x720 in ``img/rgb``, the size of the labels (the 2048x1024
    copies in ``img/rgb-2k`` have none of their size). There is no official
    split. Arguments: see :class:`RawSegDataset`.
    """

    LABEL_TABLE = 'cityscapes'
    DATASET_NAME = 'synscapes'
    LAYOUTS = {
        'plain layout': {'img_path': 'img/rgb', 'seg_map_path': 'img/class'}
    }
