# SPDX-License-Identifier: Apache-2.0
"""Cityscapes frames with neighbours, disparity and camera."""

from __future__ import annotations

import os
from typing import Any

from mmseg.registry import DATASETS

from .cityscapes import CityscapesRawDataset
from .companion_files import attach_files, find_folder
from .file_listing import list_stems
from .sequence_dataset import SequenceDataset, shift_frame_number

__all__ = ['CityscapesSequenceDataset']

_SUFFIXES = {'disparity': '_disparity.png', 'camera': '_camera.json'}
_VEHICLE_SUFFIX = '_vehicle.json'


@DATASETS.register_module()
class CityscapesSequenceDataset(SequenceDataset):
    """Cityscapes with ``leftImg8bit_sequence`` (30 frames per snippet).

    A neighbour of ``hamburg_000000_104857`` is ``hamburg_000000_104858``: the
    frame number counts, which is not 19 everywhere.

    Args:
        frames: 'annotated' for the frames of ``leftImg8bit`` (labels are
            possible; frame 0 is read from there), 'all' for every frame of
            the sequence package.
        disparity: Give every sample its ``disparity_path``; only for the
            annotated frames.
        camera: Give every sample its ``camera_path``. With ``frames='all'``
            it is the nearest annotated frame of the same recording.
        vehicle: Give every sample ``vehicle_paths``, the vehicle's state at
            every frame (offset -> path in ``vehicle_sequence``).
        labeled: Whether labels are read; False by default.
        **base_arguments: Arguments of :class:`SequenceDataset`.

    Raises:
        ValueError: A bad argument or combination.
        FileNotFoundError: A package or file is missing.
    """

    LABEL_TABLE = 'cityscapes'
    DATASET_NAME = 'cs-seq'
    IMG_SUFFIX = '_leftImg8bit.png'
    SEG_MAP_SUFFIX = CityscapesRawDataset.SEG_MAP_SUFFIX
    TRAIN_ID_SUFFIX = CityscapesRawDataset.TRAIN_ID_SUFFIX
    SPLITS = CityscapesRawDataset.SPLITS
    LAYOUTS = CityscapesRawDataset.LAYOUTS
    # Calibration of most cities, as the SDE system uses it for all.
    INTRINSICS = (
        2262.52 / 2048,
        2265.3017905988554 / 1024,
        1096.98 / 2048,
        513.137 / 1024,
    )

    def __init__(
        self,
        *,
        frames: str = 'annotated',
        disparity: bool = False,
        camera: bool = False,
        vehicle: bool = False,
        labeled: bool = False,
        **base_arguments: Any,
    ) -> None:
        if frames not in ('annotated', 'all'):
            raise ValueError(
                f'CityscapesSequenceDataset: frames={frames!r} is unknown; '
                "allowed: ['annotated', 'all']"
            )
        if frames == 'all' and (disparity or labeled):
            raise ValueError(
                'CityscapesSequenceDataset: labels and disparity exist for '
                "the annotated frames only; set frames='annotated', or "
                'disparity=False and labeled=False.'
            )
        self.frames = frames
        self.vehicle = vehicle
        self.companions = [
            kind
            for kind, wanted in (('disparity', disparity), ('camera', camera))
            if wanted
        ]
        super().__init__(labeled=labeled, **base_arguments)

    def _package_folders(self, package: str) -> dict[str, str]:
        inside = f'{package}/{self.split}'
        return {
            'plain layout': inside,
            'zip-name layout': f'{package}_trainvaltest/{inside}',
            'zip archives': f'{package}_trainvaltest.zip/{inside}',
        }

    def _layout_folders(self, key: str) -> dict[str, str]:
        if key == 'img_path' and self.frames == 'all':
            return self._package_folders('leftImg8bit_sequence')
        return super()._layout_folders(key)

    def _neighbour_folder(self) -> str:
        if self.frames == 'all' or not any(self.frame_offsets):
            return self._folder('img_path')
        if 'sequence_path' in self.data_prefix:
            return self._folder('sequence_path')
        folders = self._package_folders('leftImg8bit_sequence')
        what = 'leftImg8bit_sequence'
        return find_folder(self.data_root, what, folders, self._title())[1]

    def load_data_list(self) -> list[dict]:
        """List the frames with neighbours, disparity and camera files."""
        samples = super().load_data_list()
        for kind in self.companions:
            self._attach(samples, kind)
        if self.vehicle:
            self._attach_vehicle(samples)
        return samples

    def _attach_vehicle(self, samples: list[dict]) -> None:
        package, title = 'vehicle_sequence', self._title()
        folders = self._package_folders(package)
        folder = find_folder(self.data_root, package, folders, title)[1]
        available = set(list_stems(folder, _VEHICLE_SUFFIX))
        missing = []
        for sample in samples:
            around = {0: sample['sample_stem']}
            for offset in sample['frame_paths']:
                around[offset] = shift_frame_number(around[0], offset)
            missing += [x for x in around.values() if x not in available]
            sample['vehicle_paths'] = {
                offset: os.path.join(folder, stem + _VEHICLE_SUFFIX)
                for offset, stem in around.items()
            }
        if missing:
            raise FileNotFoundError(
                f'{title}: {len(missing)} frames have no vehicle file in '
                f'{folder}, e.g. {missing[:3]}. Unpack the '
                'vehicle_sequence archive again or set vehicle=False.'
            )

    def _attach(self, samples: list[dict], kind: str) -> None:
        suffix, title = _SUFFIXES[kind], self._title()
        folder = self.data_prefix.get(f'{kind}_path')
        if folder is None:
            folders = self._package_folders(kind)
            folder = find_folder(self.data_root, kind, folders, title)[1]
        stems = [sample['sample_stem'] for sample in samples]
        available = list_stems(folder, suffix)
        if self.frames == 'all':
            stems = _nearest_frames(stems, available)
        attach_files(
            samples,
            stems,
            available,
            f'{kind}_path',
            folder,
            suffix,
            title,
            f'Unpack the {kind} archive again or set {kind}=False.',
        )


def _nearest_frames(stems: list[str], available: list[str]) -> list[str]:
    """For each frame the nearest available one of the same recording."""
    recordings: dict[str, list[str]] = {}
    for stem in available:
        recordings.setdefault(stem.rpartition('_')[0], []).append(stem)
    nearest = []
    for stem in stems:
        recording, _, number = stem.rpartition('_')
        # Without any, the frame itself: the message then names it.
        candidates = recordings.get(recording, [stem])
        gaps = [abs(_number(x) - int(number)) for x in candidates]
        nearest.append(candidates[gaps.index(min(gaps))])
    return nearest


def _number(stem: str) -> int:
    return int(stem.rpartition('_')[2])
