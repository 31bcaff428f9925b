# SPDX-License-Identifier: Apache-2.0
"""Settings of a whole StreetWorld folder."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from .frame import LABELLED_TIME, SNIPPET_LENGTH
from .presets import presets

__all__ = [
    'WorldSettings',
    'one_of',
    'parse_size',
]

_MIN_SIZE, _MAX_SIZE = (96, 48), (2048, 1024)


def one_of(what: str, value: str, allowed: Iterable[str]) -> str:
    """Return ``value`` if it is allowed.

    Args:
        what: What the value is, for the message.
        value: The value.
        allowed: All allowed values.

    Raises:
        ValueError: It is not; the message names the allowed values and the
            nearest one.
    """
    names = list(allowed)
    if value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1)
    hint = f' Did you mean {near[0]!r}?' if near else ''
    raise ValueError(
        f'unknown {what} {value!r}; allowed: {", ".join(names)}.{hint}'
    )


def parse_size(text: str) -> tuple[int, int]:
    """Read an image size such as ``'256x128'``.

    Args:
        text: Width and height in pixels.

    Returns:
        ``(width, height)``.

    Raises:
        ValueError: The text is no size.
    """
    parts = text.lower().split('x')
    if len(parts) != 2 or not all(p.strip().isdigit() for p in parts):
        raise ValueError(
            f'size {text!r} is not WIDTHxHEIGHT in pixels; give for example '
            '256x128'
        )
    return int(parts[0]), int(parts[1])


@dataclass(frozen=True)
class WorldSettings:
    """What is in a StreetWorld folder; two folders of equal settings agree
    byte by byte.

    Args:
        size: Image ``(width, height)`` in pixels, ratio 2:1, from 96x48 to
            2048x1024.
        train: Labelled training images per format.
        val: Validation images of the formats that have a validation split.
        test: Test images of the formats that have a test split.
        seed: Seed of all streets.
        gap: Distance of the source domains to the target in [0, 1].
        preset: Look of the game formats (gta, gta_seq, synscapes).
        target_preset: Look of the target formats; the gap does not move it.
        sequence_frames: Frames kept of every 30-frame snippet, around the
            labelled one, in the sequence formats.
        truth_share: Share of the labelled frames, in [0, 1], with files in
            ``ground_truth``.
        train_ids: Whether Cityscapes gets ``_labelTrainIds.png`` files.

    Raises:
        ValueError: A setting is out of range; the message names it.
    """

    size: tuple[int, int] = (256, 128)
    train: int = 200
    val: int = 60
    test: int = 0
    seed: int = 0
    gap: float = 1.0
    preset: str = 'game'
    target_preset: str = 'real'
    sequence_frames: int = SNIPPET_LENGTH
    truth_share: float = 0.1
    train_ids: bool = False

    def __post_init__(self) -> None:
        self._check_size()
        for name in ('train', 'val', 'test', 'seed'):
            value = getattr(self, name)
            if not isinstance(value, int) or not 0 <= value < 100_000:
                raise ValueError(
                    f'{name}={value!r}: give a whole number from 0 to 99999'
                )
        for name in ('gap', 'truth_share'):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f'{name}={value!r}: give a number in [0, 1]')
        if not 1 <= self.sequence_frames <= SNIPPET_LENGTH:
            raise ValueError(
                f'sequence_frames={self.sequence_frames!r}: give a number '
                f'from 1 to {SNIPPET_LENGTH}'
            )
        one_of('preset', self.preset, presets())
        one_of('target_preset', self.target_preset, presets())

    def _check_size(self) -> None:
        width, height = self.size
        small = width < _MIN_SIZE[0] or height < _MIN_SIZE[1]
        large = width > _MAX_SIZE[0] or height > _MAX_SIZE[1]
        if small or large or width != 2 * height:
            raise ValueError(
                f'size {width}x{height}: give a size of ratio 2:1 from 96x48 '
                'to 2048x1024, for example 256x128 or 512x256'
            )

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {**asdict(self), 'size': list(self.size)}

    def counts(self, splits: Iterable[str]) -> dict[str, int]:
        """Number of labelled frames per split.

        Args:
            splits: Split names out of train, val and test.
        """
        return {split: getattr(self, split) for split in splits}

    def wants_truth(self, number: int) -> bool:
        """Whether a labelled frame gets exact ground truth files.

        Args:
            number: Position of the frame in its split, from 0. The chosen
                frames are evenly spaced and begin with the first.
        """
        share = self.truth_share
        return (number * share) // 1 > ((number - 1) * share) // 1

    def times(self) -> range:
        """Times of the frames kept of a snippet, 19 always among them."""
        count = self.sequence_frames
        first = LABELLED_TIME - (count - 1) // 2
        first = min(max(first, 0), SNIPPET_LENGTH - count)
        return range(first, first + count)
