# SPDX-License-Identifier: Apache-2.0
"""The twelve published snapshots of SAC, by their MD5."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .files import SourceFile


class SACSnapshot(NamedTuple):
    """One row of the README of da-sac.

    Attributes:
        arch: 'resnet101', 'vgg16' or 'vgg16fcn'.
        source: 'gta' or 'synthia'.
        stage: 'baseline' (ABN) or 'final' (SAC).
        epoch: Of the file, and in its name.
        md5: Of the file.
        val, test: Reported mIoU in percent; None where not reported.
    """

    arch: str
    source: str
    stage: str
    epoch: int
    md5: str
    val: float
    test: float | None = None

    @property
    def file(self) -> str:
        """Folder and name on the project's server."""
        name = 'baseline_abn' if self.stage == 'baseline' else 'final'
        return f'{self.arch}_{self.source}/{name}_e{self.epoch:03d}.pth'


# fmt: off
SAC_SNAPSHOTS = tuple(SACSnapshot(*row) for row in (
    ('resnet101', 'gta', 'baseline', 40,
     '9fe17301faf87b03279257fb408c11fc', 40.8),
    ('resnet101', 'gta', 'final', 136,
     '59c166645f3b36bd0482c4ff25b5a32f', 53.8, 55.7),
    ('vgg16', 'gta', 'baseline', 115,
     'd4ffcfb09775562108d1b6d32ddef755', 37.1),
    ('vgg16', 'gta', 'final', 184,
     '0accb8f76c001659dd3e6d5d2b6d5881', 49.8, 51.0),
    ('vgg16fcn', 'gta', 'baseline', 40,
     'aa2e940894e2147e8ef1804fbc4bae53', 36.7),
    ('vgg16fcn', 'gta', 'final', 112,
     'e69f8ba2c455f6c1c4a3d7e97a6f729b', 49.9, 50.4),
    ('resnet101', 'synthia', 'baseline', 90,
     'b343113cd805bb7b5c7ca7f8104d1a83', 36.3),
    ('resnet101', 'synthia', 'final', 164,
     'a76828ca805d1853bbcc98b7813db742', 52.6, 52.7),
    ('vgg16', 'synthia', 'baseline', 70,
     '3af2456f236113ce6e074cae9c05b24e', 34.4),
    ('vgg16', 'synthia', 'final', 164,
     'c5b313772703790aaba24d071135fdb7', 49.1, 48.3),
    ('vgg16fcn', 'synthia', 'baseline', 40,
     '5f457311faaed83675b06ad1209e4b3a', 31.6),
    ('vgg16fcn', 'synthia', 'final', 98,
     'efb742e1304c8b628f5d1536988845cc', 46.8, 45.8),
))
# fmt: on


def identify(
    source: SourceFile, arch: str, stage: str, epoch: int | None
) -> tuple[SACSnapshot | None, str]:
    """Find a file among the published ones.

    Args:
        source: The file.
        arch, stage: What its keys say.
        epoch: What its content says.

    Returns:
        The snapshot with its MD5, and ''; or None and what is wrong.
    """
    for snapshot in SAC_SNAPSHOTS:
        if snapshot.md5 != source.md5:
            continue
        content = (arch, stage, epoch)
        if content != (snapshot.arch, snapshot.stage, snapshot.epoch):
            return None, (
                f'{source.path}: has the MD5 of {snapshot.file}, but holds '
                f'{arch}, {stage}, epoch {epoch}'
            )
        return snapshot, ''
    named = [
        snapshot
        for snapshot in SAC_SNAPSHOTS
        if Path(snapshot.file).name == source.path.name
        and (snapshot.arch, snapshot.stage) == (arch, stage)
    ]
    folders = [s for s in named if s.file.startswith(source.path.parent.name)]
    named = folders or named
    if not named:
        return None, (
            f'{source.path}: MD5 {source.md5} is none of the twelve '
            'published snapshots'
        )
    expected = ' or '.join(f'{s.md5} ({s.file})' for s in named)
    return None, (
        f'{source.path}: is named like a published snapshot, but its MD5 is '
        f'{source.md5}, expected {expected}; was it changed or cut off?'
    )
