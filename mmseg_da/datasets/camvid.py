# SPDX-License-Identifier: Apache-2.0
"""CamVid (Brostow et al., PRL 2009) in the SegNet layout, 11 classes."""

from __future__ import annotations

from mmseg.registry import DATASETS

from .base_dataset import RawSegDataset

__all__ = ['CamVidDataset']


@DATASETS.register_module()
class CamVidDataset(RawSegDataset):
    """CamVid: 480x360 frames with 8-bit labels 0..11 (11 = unlabelled).

    367 training, 101 validation and 233 test frames. The folders decide what
    a split holds; ``ann_file='train.txt'`` takes the list instead. The class
    view defaults to 'camvid11'. Arguments: see :class:`RawSegDataset`.
    """

    LABEL_TABLE = 'camvid'
    DATASET_NAME = 'camvid'
    DEFAULT_VIEW = 'camvid11'
    SPLITS = {'train': 'train', 'val': 'val', 'test': 'test'}
    LAYOUTS = {
        'SegNet layout': {
            'img_path': '{split}',
            'seg_map_path': '{split}annot',
        },
    }
