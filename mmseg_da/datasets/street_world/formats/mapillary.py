# SPDX-License-Identifier: Apache-2.0
"""Mapillary Vistas v1: JPEG images, palette labels, config.json."""

from __future__ import annotations

import base64
import hashlib

from ...class_views import RAW_LABELS
from ..frame import Frame
from ..world import WorldSettings
from .base import FileJob, Files, Sample, StreetFormat, crop
from .encoding import encode_jpeg, encode_json, encode_palette_png
from .raw_classes import RAW_ID_OF_LABEL, palette_of

__all__ = ['MapillaryFormat']

_FOLDERS = {'train': 'training', 'val': 'validation', 'test': 'testing'}
# Width over height; sizes vary in the original.
_RATIOS = (2, 16 / 9, 3 / 2, 4 / 3)
_HUMANS_AND_VEHICLES = (range(19, 23), range(52, 63))


def _has_instances(index: int) -> bool:
    return any(index in block for block in _HUMANS_AND_VEHICLES)


class MapillaryFormat(StreetFormat):
    """``training|validation/{images,labels}``; ``testing`` has images only.

    Names are 22 characters long; the image ratio goes through 2:1, 16:9, 3:2
    and 4:3.
    """

    name = 'mapillary'
    folder = 'mapillary'
    stream = 6
    splits = ('train', 'val', 'test')
    target = True

    def stem(self, sample: Sample) -> str:
        key = f'{sample.split}/{sample.number}'.encode()
        digest = hashlib.sha256(key).digest()[:16]
        return base64.urlsafe_b64encode(digest)[:22].decode()

    def view(self, sample: Sample, frame: Frame) -> Frame:
        height, full = frame.label.shape
        width = min(full, round(height * _RATIOS[sample.number % 4]))
        return crop(frame, (full - width) // 2, width, height)

    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        folder = _FOLDERS[sample.split]
        stem = self.stem(sample)
        ids = RAW_ID_OF_LABEL['mapillary_v1']
        palette = palette_of('mapillary_v1')
        files = {
            f'{folder}/images/{stem}.jpg': FileJob(
                lambda f: encode_jpeg(f.image)
            )
        }
        if sample.split != 'test':
            files[f'{folder}/labels/{stem}.png'] = FileJob(
                lambda f: encode_palette_png(ids[f.label], palette)
            )
        return files

    def folder_files(self, settings: WorldSettings) -> dict[str, bytes]:
        labels = [
            {
                'name': label.name,
                'readable': label.name.title(),
                'color': list(label.color),
                'evaluate': label.name != 'unlabeled',
                'instances': _has_instances(label.id),
            }
            for label in RAW_LABELS['mapillary_v1']
        ]
        config = {'labels': labels, 'mapping': 'public', 'version': '1.2'}
        return {'config.json': encode_json(config)}
