# SPDX-License-Identifier: Apache-2.0
"""Disparity artefacts: encodings, resuming, reading, messages."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from mmseg_da.datasets.base_dataset import RawSegDataset
from mmseg_da.datasets.transforms import LoadDisparityArtifact
from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.uda import disparity_export
from mmseg_da.uda.disparity_command import default_key
from mmseg_da.uda.disparity_export import (
    build_export_dataset,
    encode_disparity,
    export_disparities,
)

PRODUCER = {'code': 'test'}


def test_encodings():
    disparity = np.array([[0.25, 0.5], [0.75, 0.5]])
    small = encode_disparity(disparity, 'minmax8')
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small, [[0, 127], [255, 127]])
    raw = encode_disparity(disparity, 'raw16')
    assert raw.dtype == np.uint16
    np.testing.assert_array_equal(raw, [[16383, 32767], [49151, 32767]])
    constant = encode_disparity(np.full((2, 2), 0.3), 'minmax8')
    assert not constant.any()


def test_bad_values():
    with pytest.raises(ValueError, match="encoding='jpeg'"):
        encode_disparity(np.zeros((1, 1)), 'jpeg')
    for bad in (np.nan, 1.5):
        with pytest.raises(ValueError, match='expected 0..1'):
            encode_disparity(np.full((1, 1), bad), 'raw16')


class Ramp(nn.Module):
    """A 'network' whose disparity is the image's first channel."""

    def __init__(self):
        super().__init__()
        self.seen = 0

    def data_preprocessor(self, batch, training):
        images = torch.stack(batch['inputs']).float() / 255
        return {'inputs': images}

    def disparity(self, images):
        assert not self.training
        self.seen += len(images)
        return images[:, :1]


@pytest.fixture
def dataset(street_video):
    return build_export_dataset(
        dict(
            type='CityscapesRawDataset',
            data_root=str(street_video / 'cityscapes'),
            labeled=False,
            pipeline=[
                dict(type='LoadStreetImage'),
                dict(type='Resize', scale=(64, 32), keep_ratio=False),
                dict(type='PackUDAInputs'),
            ],
        ),
        'train',
    )


def export(dataset, root, model=None, encoding='minmax8', **options):
    model = model or Ramp()
    store = ArtifactStore(root)
    made = export_disparities(
        model, dataset, store, 'k', encoding, PRODUCER, 2, **options
    )
    return store, made


@pytest.mark.parametrize('encoding', ['minmax8', 'raw16'])
def test_written_files_are_read_back(dataset, tmp_path, encoding):
    store, made = export(dataset, tmp_path, encoding=encoding)
    artifact = store.open('disparity', 'k')
    assert made == len(artifact.files) == len(dataset) == 6
    assert artifact.manifest['meta']['encoding'] == encoding
    sample = dataset.get_data_info(3)
    image = dataset[3]['inputs'].numpy().transpose(1, 2, 0)
    results = LoadDisparityArtifact('k', str(tmp_path))(
        {'img': image, 'sample_stem': sample['sample_stem']}
    )
    values = image[..., 0].astype(np.float64) / 255
    if encoding == 'minmax8':
        values = (values - values.min()) / (values.max() - values.min())
    np.testing.assert_allclose(results['disparity'], values, atol=1 / 254)
    assert results['map_fields'] == ['disparity']


def test_another_encoding_is_refused(dataset, tmp_path):
    """Values of the two mean different things."""
    export(dataset, tmp_path)
    load = LoadDisparityArtifact('k', str(tmp_path), 'raw16', 'sde-depth_gta')
    message = (
        "'encoding': 'raw16'.*make_artifact.py disparity configs/methods/"
        'sde-depth_gta.py CHECKPOINT --encoding raw16 --key k --root .*'
        '--overwrite'
    )
    with pytest.raises(ValueError, match=message):
        load.check()
    missing = LoadDisparityArtifact('x', str(tmp_path), 'raw16')
    with pytest.raises(FileNotFoundError, match='--encoding raw16 --key x'):
        missing.check()
    LoadDisparityArtifact('k', str(tmp_path), 'minmax8').check()


@pytest.mark.parametrize('encoding', ['minmax8', 'raw16'])
def test_a_constant_disparity_is_reported_once(
    dataset, tmp_path, encoding, monkeypatch
):
    class Flat(Ramp):
        def disparity(self, images):
            return torch.full_like(images[:, :1], 0.25)

    said = []
    monkeypatch.setattr(
        disparity_export, 'print_log', lambda text, *_, **__: said.append(text)
    )
    export(dataset, tmp_path, Flat(), encoding)
    assert len(said) == 1
    assert 'constant (0.2500); the depth network has probably' in said[0]


def test_every_file_of_an_interrupted_run_is_checked(dataset, tmp_path):
    class Broken(Ramp):
        def disparity(self, images):
            if self.seen == 4:
                raise RuntimeError('power cut')
            return super().disparity(images)

    with pytest.raises(RuntimeError, match='power cut'):
        # A small queue, so that finished images are on disk.
        disparity_export._PENDING, before = 0, disparity_export._PENDING
        try:
            export(dataset, tmp_path, Broken())
        finally:
            disparity_export._PENDING = before
    partial = tmp_path / 'disparity/k.partial'
    written = sorted(partial.rglob('*.png'))
    assert 0 < len(written) < 6
    written[0].unlink()  # a hole in the middle
    model = Ramp()
    store, made = export(dataset, tmp_path, model)
    assert made == model.seen == 6 - len(written) + 1
    assert len(store.open('disparity', 'k', verify='full').files) == 6


def test_messages_of_the_exporter(dataset, tmp_path, street_video):
    with pytest.raises(ValueError, match='Linear predicts no disparity'):
        export(dataset, tmp_path, nn.Linear(1, 1))
    with pytest.raises(ValueError, match='have no pipeline'):
        build_export_dataset(dict(type='GTADataset'))
    assert isinstance(dataset, RawSegDataset)
    assert default_key('a/sde-depth_swc.py', 'val', 'raw16') == (
        'sde-depth_swc-val-raw16'
    )


def test_messages_of_the_loader(dataset, tmp_path):
    load = LoadDisparityArtifact('k', str(tmp_path))
    stem = dataset.get_data_info(0)['sample_stem']
    image = np.zeros((32, 64, 3), np.uint8)
    sample = {'img': image, 'sample_stem': stem, 'img_path': 'x.png'}
    with pytest.raises(FileNotFoundError, match='make_artifact.py disparity'):
        load(dict(sample))
    store, _ = export(dataset, tmp_path)
    with pytest.raises(FileNotFoundError, match='other.png: no disparity'):
        load({**sample, 'sample_stem': 'other'})
    with pytest.raises(ValueError, match='size 64x32, but the image is 8x4'):
        load({**sample, 'img': image[:4, :8]})
    with pytest.raises(ValueError, match='mirrored already'):
        load({**sample, 'flip': True})
    path = store.folder('disparity', 'k') / f'{stem}.png'
    cv2.imwrite(str(path), np.zeros((32, 64), np.uint16))
    message = '16-bit grey, expected 8-bit.*make_artifact.py disparity'
    with pytest.raises(ValueError, match=message):
        load(dict(sample))
