# SPDX-License-Identifier: Apache-2.0
"""GTA5, "Playing for Data": images and palette labels."""

from __future__ import annotations

from ..frame import Frame
from ..world import WorldSettings
from .base import FileJob, Files, Sample, StreetFormat, crop
from .encoding import encode_palette_png, encode_png
from .raw_classes import palette_of

__all__ = ['GTAFormat']


class GTAFormat(StreetFormat):
    """``images/00001.png`` and ``labels/00001.png``, index = label id.

    One image in 20 is lower than the others, as sizes vary in the original
    (nominally 1914x1052).
    """

    name = 'gta'
    folder = 'gta'
    stream = 0

    def stem(self, sample: Sample) -> str:
        return f'{sample.number + 1:05d}'

    def view(self, sample: Sample, frame: Frame) -> Frame:
        if sample.number % 20 != 2:
            return frame
        height, width = frame.label.shape
        return crop(frame, 0, width, height - height // 20)

    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        name = f'{self.stem(sample)}.png'
        palette = palette_of('gta')
        return {
            f'images/{name}': FileJob(lambda f: encode_png(f.image)),
            f'labels/{name}': FileJob(
                lambda f: encode_palette_png(f.label, palette)
            ),
        }
