# SPDX-License-Identifier: Apache-2.0
"""Tiny dataset folders in the raw encodings, written with Pillow/OpenCV."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings

SIZE = (12, 20)


def _image(path: Path, size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.name))
    Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(path)


def _palette(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels.astype(np.uint8), mode='P')
    # Colours that are not the index, to catch a reader that decodes them.
    image.putpalette([(7 * i + 3) % 256 for i in range(768)])
    image.save(path)


def _grey(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels.astype(np.uint8)).save(path)


def _rgb16(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    red = labels.astype(np.uint16)
    instance = np.full_like(red, 300)
    cv2.imwrite(str(path), np.dstack([np.zeros_like(red), instance, red]))


class RawFolders:
    """Writes label maps and whole dataset folders."""

    size = SIZE
    image = staticmethod(_image)
    palette = staticmethod(_palette)
    grey = staticmethod(_grey)
    rgb16 = staticmethod(_rgb16)

    def __init__(self, root: Path) -> None:
        self.root = root

    def labels(self, *ids: int) -> np.ndarray:
        """Label map of the test size that cycles through the ids."""
        return np.resize(np.array(ids), SIZE)

    def gta(self, count: int = 3) -> Path:
        root = self.root / 'gta'
        for i in range(1, count + 1):
            self.image(root / f'images/{i:05d}.png')
            labels = self.labels(*range(35))
            self.palette(root / f'labels/{i:05d}.png', labels)
        return root

    def cityscapes(self, image_root='leftImg8bit', label_root='gtFine'):
        root = self.root / 'cityscapes'
        for split, city, count in (
            ('train', 'ulm', 2),
            ('train', 'aachen', 1),
            ('val', 'lindau', 1),
            ('test', 'bonn', 1),
        ):
            for i in range(count):
                stem = f'{split}/{city}/{city}_00000{i}_000019'
                self.image(root / image_root / f'{stem}_leftImg8bit.png')
                if split == 'test':
                    continue
                base = root / label_root / f'{stem}_gtFine'
                labels = self.labels(*range(34))
                self.grey(Path(f'{base}_labelIds.png'), labels)
                self.image(Path(f'{base}_color.png'))
                Path(f'{base}_polygons.json').write_text('{}')
        return root

    def camvid(self) -> Path:
        root = self.root / 'camvid'
        for split, names in (('train', 'ab'), ('val', 'c')):
            for name in names:
                self.image(root / split / f'{name}.png')
                labels = self.labels(*range(12))
                self.grey(root / f'{split}annot' / f'{name}.png', labels)
            lines = ''.join(f'{name}.png\n' for name in names)
            (root / f'{split}.txt').write_text(lines)
        return root


@pytest.fixture
def raw_folders(tmp_path):
    return RawFolders(tmp_path)


@pytest.fixture(scope='session')
def sequence_world(tmp_path_factory):
    """StreetWorld with neighbour frames, depth and exact motion.

    Tests read it; whoever breaks a file copies the folder first.
    """
    root = tmp_path_factory.mktemp('sequence_world')
    formats = (
        'gta_seq',
        'synthia',
        'synthia_seq',
        'cityscapes',
        'cityscapes_sequence',
        'mapillary',
    )
    settings = WorldSettings(
        size=(192, 96), train=2, val=1, sequence_frames=3, truth_share=1.0
    )
    generate(root, formats, settings)
    return root
