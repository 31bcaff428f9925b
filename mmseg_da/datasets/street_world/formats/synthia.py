# SPDX-License-Identifier: Apache-2.0
"""SYNTHIA-RAND-CITYSCAPES and the SYNTHIA video sequences."""

from __future__ import annotations

import numpy as np

from ..frame import LABELLED_TIME, Frame
from ..world import WorldSettings
from .base import FileJob, Files, Sample, StreetFormat
from .encoding import encode_png
from .raw_classes import COLOR_OF_ID, RAW_ID_OF_LABEL

__all__ = ['SynthiaFormat', 'SynthiaSequenceFormat', 'encode_synthia_depth']

_MAX_DEPTH = 65535
_SEQUENCES = ('01', '02', '04', '05', '06')


def _raw(frame: Frame) -> np.ndarray:
    return RAW_ID_OF_LABEL['synthia'][frame.label]


def _encode_labels(frame: Frame) -> bytes:
    """16-bit RGB PNG: class in red, instance in green, blue empty."""
    labels = np.zeros((*frame.label.shape, 3), np.uint16)
    labels[..., 0] = _raw(frame)
    labels[..., 1] = frame.instance
    return encode_png(labels)


def _encode_color(frame: Frame) -> bytes:
    return encode_png(COLOR_OF_ID['synthia'][_raw(frame)])


def encode_synthia_depth(frame: Frame) -> bytes:
    """16-bit PNG of the depth in centimetres; 65535 is sky or beyond."""
    centimetres = np.minimum(frame.depth.astype(np.float64) * 100, _MAX_DEPTH)
    return encode_png(np.rint(centimetres).astype(np.uint16))


class SynthiaFormat(StreetFormat):
    """``RGB``, ``GT/LABELS``, ``GT/COLOR``, ``Depth/Depth`` and the 8-bit
    ``parsed_LABELS`` (raw ids), all ``0000000.png``.

    Terrain, truck and train are void, as the dataset does not have them.
    """

    name = 'synthia'
    folder = 'synthia'
    stream = 2
    own_preset = 'synthia'

    def stem(self, sample: Sample) -> str:
        return f'{sample.number:07d}'

    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        name = f'{self.stem(sample)}.png'
        return {
            f'RGB/{name}': FileJob(lambda f: encode_png(f.image)),
            f'GT/LABELS/{name}': FileJob(_encode_labels),
            f'GT/COLOR/{name}': FileJob(_encode_color),
            f'Depth/Depth/{name}': FileJob(encode_synthia_depth),
            f'parsed_LABELS/{name}': FileJob(lambda f: encode_png(_raw(f))),
        }


class SynthiaSequenceFormat(StreetFormat):
    """``video/SYNTHIA-SEQS-<nn>-SUMMER/RGB/Stereo_Left/Omni_F/<frame>.png``
    with labels and depth beside them.

    The snippets are dealt out to the five sequences; the numbers of two
    snippets are at least ten apart, so that no frame before the cut passes
    for the neighbour of one behind it.
    """

    name = 'synthia_seq'
    folder = 'synthia_seq'
    stream = 3
    own_preset = 'synthia'

    def stem(self, sample: Sample) -> str:
        sequence, name = self._place(sample, LABELLED_TIME)
        return f'{sequence}/{name}'

    @staticmethod
    def _place(sample: Sample, time: int) -> tuple[str, str]:
        turn, which = divmod(sample.number, len(_SEQUENCES))
        sequence = f'SYNTHIA-SEQS-{_SEQUENCES[which]}-SUMMER'
        return sequence, f'{40 * turn + time:06d}'

    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        files: Files = {}
        kinds = {
            'RGB': lambda f: encode_png(f.image),
            'GT/LABELS': _encode_labels,
            'GT/COLOR': _encode_color,
            'Depth': encode_synthia_depth,
        }
        for time in settings.times():
            sequence, name = self._place(sample, time)
            for kind, encode in kinds.items():
                path = f'video/{sequence}/{kind}/Stereo_Left/Omni_F/{name}.png'
                files[path] = FileJob(encode, time)
        return files
