# SPDX-License-Identifier: Apache-2.0
"""Common base of the datasets of consecutive frames."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log

from .base_dataset import RawSegDataset
from .class_views import ClassView, get_class_view
from .file_listing import list_stems
from .label_decoding import LabelDecoder

__all__ = ['SequenceDataset', 'shift_frame_number']


def shift_frame_number(stem: str, offset: int, separator: str = '_') -> str:
    """Stem of a neighbour frame: its last number, moved by an offset.

    Args:
        stem: E.g. 'hamburg/hamburg_000000_104857' or 'video/000019'.
        offset: Frames to move.
        separator: What stands before the number; '/' if it is the file name.

    Returns:
        The stem with the new number, with as many digits as before.

    Raises:
        ValueError: The stem does not end in a number.
    """
    head, found, number = stem.rpartition(separator)
    if not number.isdigit():
        raise ValueError(
            f'{stem}: expected a name that ends in {separator!r} and a frame '
            'number. Rename the frame or leave it out with skip_files.'
        )
    shifted = int(number) + offset
    if shifted < 0:
        return ''
    return f'{head}{found}{shifted:0{len(number)}d}'


class SequenceDataset(RawSegDataset):
    """Video frames with the paths of their neighbours.

    Neighbours are found by arithmetic on the frame number, not by position in
    the list, so a gap in a sequence never passes for motion.

    Every sample carries, beside the entries of :class:`RawSegDataset`,
    ``frame_paths`` (offset -> path; offset 0 is the image itself) and
    ``normalized_intrinsics`` (fx / W, fy / H, cx / W, cy / H) or
    ``camera_path``, for :class:`LoadNeighbourFrames` and
    :class:`LoadCamera`.

    Args:
        frame_offsets: Frames wanted, relative to the sample's frame.
        require_neighbours: Leave out frames of which a neighbour is missing;
            how many is logged. If False they stay, with the neighbours they
            have.
        intrinsics: (fx / W, fy / H, cx / W, cy / H) instead of the constants
            of the dataset, for other cameras or cropped copies.
        labeled: Labels of video frames are not read; unlabelled by default.
        **base_arguments: Arguments of :class:`RawSegDataset`.

    Raises:
        ValueError: A bad argument, or a frame without a number.
        FileNotFoundError: No folder, no frames, or none with neighbours.
    """

    INTRINSICS: tuple[float, float, float, float] | None = None
    # What stands before the frame number in a stem.
    NUMBER_SEPARATOR = '_'

    def __init__(
        self,
        *,
        frame_offsets: Sequence[int] = (-1, 0, 1),
        require_neighbours: bool = True,
        intrinsics: Sequence[float] | None = None,
        labeled: bool | None = False,
        **base_arguments: Any,
    ) -> None:
        name = type(self).__name__
        self.frame_offsets = _check_offsets(frame_offsets, name)
        self.require_neighbours = require_neighbours
        self.intrinsics = _check_intrinsics(intrinsics, name)
        if base_arguments.get('cache'):
            raise ValueError(
                f'{name}: cache={base_arguments["cache"]} is not available '
                'for sequences, their neighbour frames are not cached. Make '
                'downsampled copies of the frames instead.'
            )
        if labeled and not self.SEG_MAP_SUFFIX:
            raise ValueError(
                f'{name}: labeled=True, but the labels of these sequences '
                'are colour renderings for display and are not read. Remove '
                'it.'
            )
        super().__init__(labeled=labeled, **base_arguments)

    def _build_decoder(
        self, class_view: str | None
    ) -> tuple[ClassView, LabelDecoder | None]:
        if self.labeled:
            return super()._build_decoder(class_view)
        return get_class_view(class_view or self.DEFAULT_VIEW), None

    def _sample(self, stem: str) -> dict:
        sample = super()._sample(stem)
        sample['frame_paths'] = {0: sample['img_path']}
        intrinsics = self.intrinsics or self.INTRINSICS
        if intrinsics is not None:
            sample['normalized_intrinsics'] = intrinsics
        return sample

    def _neighbour_folder(self) -> str:
        """Folder that holds the neighbour frames."""
        return self._folder('img_path')

    def _usable(self, stems: list[str]) -> list[str]:
        """Drop the frames without their neighbours."""
        folder, suffix = self._neighbour_folder(), self.img_suffix
        present = super()._without_skipped(list_stems(folder, suffix))
        self._neighbours = set(present)
        if not self.require_neighbours:
            return stems
        kept = [x for x in stems if None not in self._around(x).values()]
        if stems and not kept:
            raise FileNotFoundError(
                f'{self._title()}: none of the {len(stems)} frames has the '
                f'neighbours {self.frame_offsets} in {folder}, e.g. '
                f'{stems[0]!r}. Unpack the sequence archives, or set '
                'frame_offsets or require_neighbours=False.'
            )
        left_out = len(stems) - len(kept)
        if left_out:
            print_log(
                f'{self._title()}: left out {left_out} of {len(stems)} frames '
                f'without the neighbours {self.frame_offsets}.',
                'current',
                level=logging.WARNING if self.labeled else logging.INFO,
            )
        return kept

    def _around(self, stem: str) -> dict[int, str | None]:
        """Stem of every neighbour, None where there is no such frame."""
        found = {
            offset: shift_frame_number(stem, offset, self.NUMBER_SEPARATOR)
            for offset in self.frame_offsets
            if offset
        }
        return {
            k: x if x in self._neighbours else None for k, x in found.items()
        }

    def load_data_list(self) -> list[dict]:
        """List the frames and give each the paths of its neighbours."""
        samples = super().load_data_list()
        folder = self._neighbour_folder()
        for sample in samples:
            for offset, stem in self._around(sample['sample_stem']).items():
                if stem is not None:
                    path = os.path.join(folder, stem + self.img_suffix)
                    sample['frame_paths'][offset] = path
        del self._neighbours
        return samples


def _check_offsets(offsets: Sequence[int], name: str) -> tuple[int, ...]:
    offsets = tuple(offsets)
    whole = all(type(x) is int for x in offsets)
    if not whole or len(set(offsets)) != len(offsets) or not offsets:
        raise ValueError(
            f'{name}: frame_offsets={offsets}; give different whole numbers, '
            'e.g. (-1, 0, 1)'
        )
    return offsets


def _check_intrinsics(
    intrinsics: Sequence[float] | None, name: str
) -> tuple[float, ...] | None:
    if intrinsics is None:
        return None
    values = tuple(float(x) for x in intrinsics)
    if len(values) != 4 or min(values[:2]) <= 0 or max(values) > 10:
        raise ValueError(
            f'{name}: intrinsics={values}; give the normalised camera '
            '(fx / width, fy / height, cx / width, cy / height), e.g. '
            '(1.1, 2.2, 0.5, 0.5)'
        )
    return values
