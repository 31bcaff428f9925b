# SPDX-License-Identifier: Apache-2.0
"""SYNTHIA-RAND-CITYSCAPES (Ros et al., CVPR 2016)."""

from __future__ import annotations

from mmseg.registry import DATASETS

from .base_dataset import RawSegDataset

__all__ = ['SynthiaDataset', 'SynthiaParsedDataset']


@DATASETS.register_module()
class SynthiaDataset(RawSegDataset):
    """SYNTHIA-RAND-CITYSCAPES as downloaded: 9,400 images of 1280x760.

    ``GT/LABELS`` holds 16-bit RGB PNGs with the class id in the first channel
    and the instance in the second. Terrain, truck and train do not occur:
    use the class view 'cityscapes16' or the metric subset '16'. Arguments:
    see :class:`RawSegDataset`.
    """

    LABEL_TABLE = 'synthia'
    LABEL_ENCODING = 'rgb16'
    DATASET_NAME = 'syn'
    TRAIN_ID_SUFFIX = '_labelTrainIds.png'
    DEFAULT_VIEW = 'cityscapes16'
    LAYOUTS = {
        'plain layout': {'img_path': 'RGB', 'seg_map_path': 'GT/LABELS'},
        'archive layout': {
            'img_path': 'RAND_CITYSCAPES/RGB',
            'seg_map_path': 'RAND_CITYSCAPES/GT/LABELS',
        },
    }


@DATASETS.register_module()
class SynthiaParsedDataset(SynthiaDataset):
    """SYNTHIA with the 8-bit labels the authors of DADA published.

    ``parsed_LABELS`` holds single-channel copies of the raw SYNTHIA ids
    0..22, not train ids. Arguments: see :class:`RawSegDataset`.
    """

    LABEL_ENCODING = 'index8'
    TRAIN_ID_SUFFIX = '.png'
    LAYOUTS = {
        'plain layout': {'img_path': 'RGB', 'seg_map_path': 'parsed_LABELS'},
        'archive layout': {
            'img_path': 'RAND_CITYSCAPES/RGB',
            'seg_map_path': 'RAND_CITYSCAPES/parsed_LABELS',
        },
    }
