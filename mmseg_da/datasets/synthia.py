# SPDX-License-Identifier: Apache-2.0
"""SYNTHIA-RAND-CITYSCAPES (Ros et al., CVPR 2016)."""

from __future__ import annotations

from typing import Any

from mmseg.registry import DATASETS

from .base_dataset import RawSegDataset
from .companion_files import attach_files, find_folder
from .file_listing import list_stems

__all__ = ['SynthiaDataset', 'SynthiaParsedDataset']


@DATASETS.register_module()
class SynthiaDataset(RawSegDataset):
    """SYNTHIA-RAND-CITYSCAPES as downloaded: 9,400 images of 1280x760.

    ``GT/LABELS`` holds 16-bit RGB PNGs with the class id in the first channel
    and the instance in the second. Terrain, truck and train do not occur:
    use the class view 'cityscapes16' or the metric subset '16'.

    Args:
        depth: Give every sample the ``depth_path`` of its 16-bit depth map
            (``Depth/Depth`` or ``Depth``, or ``data_prefix['depth_path']``),
            for :class:`LoadDepth`.
        **base_arguments: Arguments of :class:`RawSegDataset`.
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
    DEPTH_FOLDERS = {
        'plain layout': 'Depth/Depth',
        'flat layout': 'Depth',
        'archive layout': 'RAND_CITYSCAPES/Depth/Depth',
        'flat archive layout': 'RAND_CITYSCAPES/Depth',
    }

    def __init__(self, *, depth: bool = False, **base_arguments: Any) -> None:
        self.depth = depth
        super().__init__(**base_arguments)

    def load_data_list(self) -> list[dict]:
        """List the images with their label and depth files."""
        samples = super().load_data_list()
        if not self.depth:
            return samples
        folder = self.data_prefix.get('depth_path')
        if folder is None:
            _, folder = find_folder(
                self.data_root, 'depth', self.DEPTH_FOLDERS, self._title()
            )
        attach_files(
            samples,
            [sample['sample_stem'] for sample in samples],
            list_stems(folder, '.png'),
            'depth_path',
            folder,
            '.png',
            self._title(),
            'Unpack the depth archive again or set depth=False.',
        )
        return samples


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
