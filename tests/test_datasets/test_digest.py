# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of data."""

import json
import shutil

import pytest
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_da.datasets.digest import (
    digest_folder,
    digest_samples,
    street_world_settings,
)


def dataset(root, **options):
    cfg = dict(type='GTADataset', data_root=str(root / 'gta'), **options)
    return DATASETS.build(cfg)


@pytest.fixture
def world(street_world, tmp_path):
    shutil.copytree(street_world / 'gta', tmp_path / 'w/gta')
    shutil.copy(street_world / 'manifest.json', tmp_path / 'w')
    return tmp_path / 'w'


def test_the_place_does_not_matter(street_world, world):
    there = digest_samples(dataset(street_world))
    assert digest_samples(dataset(world)) == there
    joined = dict(
        type='DomainConcatDataset',
        datasets=[
            dict(type='GTADataset', data_root=str(world / 'gta'))
        ],
    )  # fmt: skip
    assert digest_samples(DATASETS.build(joined)) == there


def test_images_labels_and_their_number_matter(world):
    first = digest_samples(dataset(world))
    assert digest_samples(dataset(world, indices=2)) != first
    assert digest_samples(dataset(world, labeled=False)) != first
    label = next((world / 'gta/labels').rglob('*.png'))
    label.write_bytes(label.read_bytes() + b' ')
    assert digest_samples(dataset(world)) != first


def test_a_changed_pixel_matters_at_equal_file_size(world):
    file = next((world / 'gta/labels').rglob('*.png'))
    label = Image.open(file)
    # Stored without compression every label map takes the same bytes.
    label.save(file, compress_level=0)
    before = digest_samples(dataset(world)), digest_folder(world / 'gta')
    size = file.stat().st_size
    label.putpixel((3, 2), (label.getpixel((3, 2)) + 1) % 34)
    label.save(file, compress_level=0)
    assert file.stat().st_size == size
    assert digest_samples(dataset(world)) != before[0]
    assert digest_folder(world / 'gta') != before[1]


def test_files_that_are_not_read_do_not_matter(world):
    first = digest_samples(dataset(world))
    (world / 'gta/images/notes.txt').write_text('x')
    assert digest_samples(dataset(world)) == first


def test_settings_of_street_world_matter(world):
    """Another generator version may draw other images of the same size."""
    first = digest_samples(dataset(world))
    manifest = json.loads((world / 'manifest.json').read_text())
    manifest['settings']['version'] = 99
    (world / 'manifest.json').write_text(json.dumps(manifest))
    assert digest_samples(dataset(world)) != first
    assert '"version": 99' in street_world_settings(world / 'gta')


def test_formats_that_were_added_do_not_matter(world):
    first = digest_samples(dataset(world))
    manifest = json.loads((world / 'manifest.json').read_text())
    manifest['formats']['more'] = {}
    (world / 'manifest.json').write_text(json.dumps(manifest))
    assert digest_samples(dataset(world)) == first


def test_folders(tmp_path):
    folder = tmp_path / 'a/b'
    folder.mkdir(parents=True)
    (folder / 'x.png').write_bytes(b'123')
    first = digest_folder(tmp_path / 'a')
    (folder / '.part').touch()
    assert digest_folder(tmp_path / 'a') == first
    (folder / 'x.png').rename(folder / 'y.png')
    assert digest_folder(tmp_path / 'a') != first
    with pytest.raises(FileNotFoundError, match='make_street_world'):
        digest_folder(tmp_path / 'nowhere')
    assert street_world_settings(folder) == ''


def test_both_sides_of_a_pair_matter(world, street_world):
    def paired(source):
        cfg = dict(
            type='PairedGeometryDataset',
            target=dict(
                type='GTADataset', data_root=str(street_world / 'gta')
            ),
            source=dict(type='GTADataset', data_root=str(source / 'gta')),
            source_geometry=[],
        )
        return digest_samples(DATASETS.build(cfg))

    before = paired(world)
    image = next((world / 'gta/images').glob('*.png'))
    Image.new('RGB', (128, 64)).save(image)
    assert paired(world) != before
