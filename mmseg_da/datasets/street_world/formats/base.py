# SPDX-License-Identifier: Apache-2.0
"""What a format is: the files that one labelled frame becomes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Protocol

from ..frame import LABELLED_TIME, Frame
from ..world import WorldSettings
from .ground_truth import truth_encoders

__all__ = ['FileJob', 'Files', 'Renderer', 'Sample', 'StreetFormat', 'crop']

# Streets of a format and split never meet those of another one: at gap 0
# source and target are one distribution, but not the same images.
_STREAM = 1_000_000
_SPLIT = {'train': 0, 'val': 300_000, 'test': 600_000}


class Renderer(Protocol):
    """What draws the frames, see StreetRenderer."""

    def render(
        self,
        index: int,
        time: int = LABELLED_TIME,
        *,
        with_flow: bool = False,
    ) -> Frame:
        """Draw one frame of one street."""


class Sample(NamedTuple):
    """One labelled frame of a split.

    Attributes:
        split: train, val or test.
        number: Position in the split, from 0.
        index: Street number for the renderer.
    """

    split: str
    number: int
    index: int


@dataclass(frozen=True)
class FileJob:
    """How one file is made.

    Args:
        encode: Turns the frame into the file's content.
        time: Time of the frame in its snippet.
    """

    encode: Callable[[Frame], bytes]
    time: int = LABELLED_TIME


Files = dict[str, FileJob]


class StreetFormat(ABC):
    """Layout and encodings of one real dataset.

    Class attributes:
        name: Name on the command line.
        folder: Folder below the root; formats may share one.
        stream: Number of the block of streets the format draws from.
        splits: Splits the dataset has.
        target: Whether it shows the target domain.
        own_preset: Look that the format always has; None: as the settings
            say.
        requires: Formats that have to be written with it.
    """

    name: ClassVar[str]
    folder: ClassVar[str]
    stream: ClassVar[int]
    splits: ClassVar[tuple[str, ...]] = ('train',)
    target: ClassVar[bool] = False
    own_preset: ClassVar[str | None] = None
    requires: ClassVar[tuple[str, ...]] = ()
    has_truth: ClassVar[bool] = True

    def preset(self, settings: WorldSettings) -> str:
        """Name of the preset that the format's frames are drawn with."""
        if self.own_preset is not None:
            return self.own_preset
        return settings.target_preset if self.target else settings.preset

    def samples(self, settings: WorldSettings) -> Iterator[Sample]:
        """All labelled frames, split by split."""
        for split, count in settings.counts(self.splits).items():
            first = self.stream * _STREAM + _SPLIT[split]
            for number in range(count):
                yield Sample(split, number, first + number)

    def files(self, sample: Sample, settings: WorldSettings) -> Files:
        """Every file of a sample: path below the folder to its recipe."""
        files = self.dataset_files(sample, settings)
        if self.has_truth and settings.wants_truth(sample.number):
            stem = f'{sample.split}/{self.stem(sample)}'
            for kind, suffix, encode in truth_encoders():
                path = f'ground_truth/{kind}/{stem}{suffix}'
                files[path] = FileJob(encode)
        return files

    def view(self, sample: Sample, frame: Frame) -> Frame:
        """The part of the rendered frame that the dataset shows."""
        return frame

    @abstractmethod
    def stem(self, sample: Sample) -> str:
        """File name of the labelled frame without suffixes."""

    @abstractmethod
    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        """The files that the real dataset has for this frame."""

    def folder_files(self, settings: WorldSettings) -> dict[str, bytes]:
        """Files of the whole folder (lists, class tables), by path."""
        return {}


def crop(frame: Frame, left: int, width: int, height: int) -> Frame:
    """Cut a frame: ``height`` rows from the top, ``width`` columns.

    Args:
        frame: The frame.
        left: First column kept.
        width: Columns kept.
        height: Rows kept.

    Returns:
        The smaller frame; its camera describes the smaller image.
    """
    part = (slice(0, height), slice(left, left + width))
    camera = replace(
        frame.camera, width=width, height=height, cx=frame.camera.cx - left
    )
    return replace(
        frame,
        image=frame.image[part],
        label=frame.label[part],
        instance=frame.instance[part],
        depth=frame.depth[part],
        flow=None if frame.flow is None else frame.flow[part],
        camera=camera,
    )
