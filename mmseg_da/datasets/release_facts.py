# SPDX-License-Identifier: Apache-2.0
"""Known numbers of the published releases: images per split, image size.

Sources: the split lists that ADVENT, DADA, CTRL and da-sac publish, and the
dataset pages named in docs/data.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ['RELEASES', 'Release', 'release_of']


@dataclass(frozen=True)
class Release:
    """What is known about the complete download of a dataset.

    Attributes:
        counts: Images per split; the key None where there are no splits.
        image_size: Width and height in pixels, None where sizes vary.
        unique_names: Whether no two images have the same file name.
    """

    counts: Mapping[str | None, int] = field(default_factory=dict)
    image_size: tuple[int, int] | None = None
    unique_names: bool = True


# Name of the dataset class -> release; subclasses inherit it.
RELEASES: Mapping[str, Release] = {
    'CityscapesRawDataset': Release(
        {'train': 2975, 'val': 500, 'test': 1525}, (2048, 1024)
    ),
    'CityscapesSequenceDataset': Release(
        {'train': 2975, 'val': 500, 'test': 1525}, (2048, 1024)
    ),
    'GTASequenceDataset': Release(image_size=(1920, 1080), unique_names=False),
    'SynthiaSequenceDataset': Release(
        image_size=(1280, 760), unique_names=False
    ),
    'GTADataset': Release({None: 24_966}),
    'SynthiaDataset': Release({None: 9_400}, (1280, 760)),
    'SynscapesDataset': Release({None: 25_000}, (1440, 720)),
    'MapillaryRawDataset': Release({'train': 18_000, 'val': 2_000}),
    'CamVidDataset': Release(
        {'train': 367, 'val': 101, 'test': 233}, (480, 360)
    ),
}
_UNKNOWN = Release(unique_names=False)


def release_of(dataset_type: type) -> Release:
    """Facts about the release that a dataset class reads.

    Args:
        dataset_type: The class or a subclass of it.

    Returns:
        The release, without any fact for own data and other classes.
    """
    for cls in dataset_type.__mro__:
        if cls.__name__ in RELEASES:
            return RELEASES[cls.__name__]
    return _UNKNOWN
