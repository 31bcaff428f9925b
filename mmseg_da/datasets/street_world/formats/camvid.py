# SPDX-License-Identifier: Apache-2.0
"""CamVid in the SegNet layout: 11 classes and unlabelled."""

from __future__ import annotations

from ..world import WorldSettings
from .base import FileJob, Files, Sample, StreetFormat
from .encoding import encode_png
from .raw_classes import RAW_ID_OF_LABEL

__all__ = ['CamVidFormat']

_VIDEOS = {'train': '0001TP', 'val': '0016E5', 'test': 'Seq05VD'}


class CamVidFormat(StreetFormat):
    """``<split>/``, ``<split>annot/`` and ``<split>.txt`` with file names."""

    name = 'camvid'
    folder = 'camvid'
    stream = 7
    splits = ('train', 'val', 'test')
    target = True

    def stem(self, sample: Sample) -> str:
        return f'{_VIDEOS[sample.split]}_{30 * sample.number:06d}'

    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        name = f'{self.stem(sample)}.png'
        ids = RAW_ID_OF_LABEL['camvid']
        return {
            f'{sample.split}/{name}': FileJob(lambda f: encode_png(f.image)),
            f'{sample.split}annot/{name}': FileJob(
                lambda f: encode_png(ids[f.label])
            ),
        }

    def folder_files(self, settings: WorldSettings) -> dict[str, bytes]:
        lists: dict[str, list[str]] = {}
        for sample in self.samples(settings):
            names = lists.setdefault(sample.split, [])
            names.append(f'{self.stem(sample)}.png\n')
        return {f'{k}.txt': ''.join(v).encode() for k, v in lists.items()}
