# SPDX-License-Identifier: Apache-2.0
"""GTA sequences, "Playing for Benchmarks" (VIPER): consecutive frames."""

from __future__ import annotations

import numpy as np

from ...class_views import RAW_LABELS, get_class_view
from ..frame import LABELLED_TIME, Frame
from ..world import WorldSettings
from .base import FileJob, Files, Sample, StreetFormat
from .encoding import encode_jpeg, encode_png
from .raw_classes import COLOR_OF_ID

__all__ = ['GTASequenceFormat']


def _class_colors() -> np.ndarray:
    """Cityscapes colours of its training classes, black elsewhere.

    The sequences have no train class.
    """
    known = get_class_view('cityscapes19').mapping('cityscapes')
    names = {x.id: x.name for x in RAW_LABELS['cityscapes']}
    kept = [i for i in known if names[i] != 'train']
    colors = np.zeros_like(COLOR_OF_ID['cityscapes'])
    colors[kept] = COLOR_OF_ID['cityscapes'][kept]
    return colors


_COLORS = _class_colors()


def _encode_classes(frame: Frame) -> bytes:
    """Classes as colours; black where the dataset has no class."""
    return encode_png(_COLORS[frame.label])


class GTASequenceFormat(StreetFormat):
    """``<split>/img/<seq>/<seq>_<frame>.jpg``; every tenth frame number has
    its classes as colours in ``<split>/cls``.

    Frame numbers begin at 1, so the labelled frame has number 20.
    """

    name = 'gta_seq'
    folder = 'gta_seq'
    stream = 1
    splits = ('train', 'val')

    def stem(self, sample: Sample) -> str:
        return self._name(sample, LABELLED_TIME)

    @staticmethod
    def _name(sample: Sample, time: int) -> str:
        sequence = f'{sample.number + 1:03d}'
        return f'{sequence}/{sequence}_{time + 1:05d}'

    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        files: Files = {}
        for time in settings.times():
            name = self._name(sample, time)
            files[f'{sample.split}/img/{name}.jpg'] = FileJob(
                lambda f: encode_jpeg(f.image), time
            )
            if (time + 1) % 10 == 0:
                files[f'{sample.split}/cls/{name}.png'] = FileJob(
                    _encode_classes, time
                )
        return files
