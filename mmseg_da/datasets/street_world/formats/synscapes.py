# SPDX-License-Identifier: Apache-2.0
"""Synscapes: numbered images and single-channel class ids."""

from __future__ import annotations

from ..world import WorldSettings
from .base import FileJob, Files, Sample, StreetFormat
from .encoding import encode_png

__all__ = ['SynscapesFormat']


class SynscapesFormat(StreetFormat):
    """``img/rgb/1.png`` and ``img/class/1.png`` (Cityscapes ids)."""

    name = 'synscapes'
    folder = 'synscapes'
    stream = 4

    def stem(self, sample: Sample) -> str:
        return str(sample.number + 1)

    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        name = f'{self.stem(sample)}.png'
        return {
            f'img/rgb/{name}': FileJob(lambda f: encode_png(f.image)),
            f'img/class/{name}': FileJob(lambda f: encode_png(f.label)),
        }
