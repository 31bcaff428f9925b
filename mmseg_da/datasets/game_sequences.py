# SPDX-License-Identifier: Apache-2.0
"""Video of the synthetic datasets, for self-supervised depth."""

from __future__ import annotations

import os
from typing import Any

from mmseg.registry import DATASETS

from .sequence_dataset import SequenceDataset
from .zip_files import is_folder

__all__ = ['GTASequenceDataset', 'SynthiaSequenceDataset']

_MAPS = ('GT', 'Depth')


@DATASETS.register_module()
class GTASequenceDataset(SequenceDataset):
    """GTA sequences, "Playing for Benchmarks" (Richter et al., ICCV 2017).

    ``{train,val}/img/<seq>/<seq>_<frame>.jpg`` of 1920x1080, unlabelled. The
    corrupted frame ``train/img/052/052_00064.jpg`` of the release is never
    used, neither as a sample nor as a neighbour.

    Args:
        every: Keep only the frames whose number is divisible by this; 10 for
            the frames that have labels in the release.
        **base_arguments: Arguments of :class:`SequenceDataset`.
    """

    LABEL_TABLE = 'gta'
    DATASET_NAME = 'gta-seq'
    IMG_SUFFIX = '.jpg'
    SEG_MAP_SUFFIX = ''
    SPLITS = {'train': 'train', 'val': 'val'}
    LAYOUTS = {'plain layout': {'img_path': '{split}/img'}}
    INTRINSICS = (1.206285, 2.144507, 0.5, 0.5)
    # A frame of the release that cannot be decoded.
    FAULTY_STEMS = ('052/052_00064',)

    def __init__(self, *, every: int = 1, **base_arguments: Any) -> None:
        if type(every) is not int or every < 1:
            raise ValueError(
                f'GTASequenceDataset: every={every!r}; give a whole number '
                'from 1, e.g. 10'
            )
        self.every = every
        super().__init__(**base_arguments)

    def _without_skipped(self, stems: list[str]) -> list[str]:
        kept = super()._without_skipped(stems)
        numbers = [int(x.rpartition('_')[2]) for x in kept]
        chosen = [
            x
            for x, number in zip(kept, numbers, strict=True)
            if number % self.every == 0
        ]
        if kept and not chosen:
            raise ValueError(
                f'{self._title()}: every={self.every} leaves none of the '
                f'{len(kept)} frames of {self.data_prefix["img_path"]}; '
                f'their numbers are {min(numbers)}..{max(numbers)}. Give a '
                'smaller number.'
            )
        return chosen


@DATASETS.register_module()
class SynthiaSequenceDataset(SequenceDataset):
    """SYNTHIA video sequences (SEQS-01 to 06), 1280x760, unlabelled.

    ``video/**/<frame>.png`` as downloaded (frames below ``RGB``; ``GT`` and
    ``Depth`` are passed over) or ``video_small/**/<frame>.jpg``, the copies
    of the SDE system; the suffix follows from the folder.

    Args:
        camera: Keep only frames whose path holds this, e.g.
            'Stereo_Left/Omni_F' for the forward camera. '' keeps all.
        **base_arguments: Arguments of :class:`SequenceDataset`.
    """

    LABEL_TABLE = 'synthia'
    DATASET_NAME = 'syn-seq'
    DEFAULT_VIEW = 'cityscapes16'
    SEG_MAP_SUFFIX = ''
    NUMBER_SEPARATOR = '/'
    LAYOUTS = {
        'raw frames': {'img_path': 'video'},
        'small copies': {'img_path': 'video_small'},
    }
    INTRINSICS = (532.740352 / 1280, 532.740352 / 760, 0.5, 0.5)

    def __init__(self, *, camera: str = '', **base_arguments: Any) -> None:
        self.camera = camera
        root = base_arguments.get('data_root') or ''
        if not is_folder(os.path.join(root, 'video')) and is_folder(
            os.path.join(root, 'video_small')
        ):
            base_arguments.setdefault('img_suffix', '.jpg')
        super().__init__(**base_arguments)

    def _without_skipped(self, stems: list[str]) -> list[str]:
        frames = [
            x
            for x in stems
            if self.camera in x and not set(x.split('/')) & set(_MAPS)
        ]
        if not frames:
            raise FileNotFoundError(
                f'{self._title()}: camera={self.camera!r} fits none of the '
                f'{len(stems)} frames, e.g. {stems[:1]}. Correct it or leave '
                'it out.'
            )
        return super()._without_skipped(frames)
