# SPDX-License-Identifier: Apache-2.0
"""The data of SAC's configs: members, label maps, padding, selection."""

import os
from unittest import mock

import contract
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.draw import seeded_draw
from mmseg_da.datasets.subsets import SUBSET_FOLDER

BASES = ('gta2cs', 'syn2cs', 'swg2swc')
MEMBERS = {
    'source_train': 'source',
    'source_train_abn': 'source',
    'target_train_abn': 'target',
    'target_views_train': 'target_views',
}


def read(name, street_world):
    """A dataset base, shrunk to an eighth."""
    path = contract.REPO / f'configs/_base_/datasets/sac_{name}.py'
    with mock.patch.dict(os.environ, contract.dataset_roots(street_world)):
        cfg = Config.fromfile(path)
    factor = 0.5 if name == 'swg2swc' else 1 / 8
    contract._visit(cfg._cfg_dict, lambda x: contract._shrink(x, factor))
    return cfg


def batch_of(cfg, member, count=3):
    dataset = DATASETS.build(cfg[member])
    samples = []
    for i in range(count):
        with seeded_draw((0, i)):
            samples.append(dataset[i])
    stage = 'abn' if 'abn' in member else 'sac'
    preprocessor = MODELS.build(cfg[f'{stage}_preprocessor'])
    return preprocessor(pseudo_collate(samples), True)


@pytest.mark.parametrize('member', MEMBERS)
@pytest.mark.parametrize('name', BASES)
def test_every_member_feeds_its_branch(name, member, street_world):
    cfg = read(name, street_world)
    data = batch_of(cfg, member)
    assert list(data['inputs']) == [MEMBERS[member]]
    images = data['inputs'][MEMBERS[member]]
    size = (80, 80) if 'abn' in member and name != 'swg2swc' else (64, 128)
    assert images.shape[-2:] == size and images.dtype == torch.float32
    assert images.ndim == (5 if 'views' in member else 4)
    for sample in data['data_samples'][MEMBERS[member]]:
        assert ('gt_sem_seg' in sample) == (MEMBERS[member] == 'source')


def test_padded_source_pixels(street_world):
    """Oracle 21: exactly 0 after the normalisation, label 255."""
    cfg = read('gta2cs', street_world)
    (resize,) = (
        x for x in cfg.source_train.pipeline if x.type == 'RandomResize'
    )
    resize.ratio_range = (0.4, 0.5)
    data = batch_of(cfg, 'source_train')
    for image, sample in zip(
        data['inputs']['source'], data['data_samples']['source'], strict=True
    ):
        mask = sample.padding_mask.data[0].bool()
        assert 0 < mask.sum() < mask.numel()
        assert (image[:, mask] == 0).all()
        assert (sample.gt_sem_seg.data[0][mask] == 255).all()
        assert (image[:, ~mask] != 0).all()


def test_source_colours_are_moved_to_the_target(street_world):
    cfg = read('syn2cs', street_world)
    found = MODELS.build(cfg.sac_preprocessor)._preprocessor_of('source')
    assert found.mean.flatten().tolist() == pytest.approx(
        [188.1609, 160.0663, 155.7920], abs=1e-4
    )
    plain = MODELS.build(cfg.sac_preprocessor).data_preprocessor
    assert plain.mean.flatten().tolist() == pytest.approx(
        [123.675, 116.28, 103.53]
    )
    assert type(plain).__name__ == 'SegDataPreProcessor'


@pytest.mark.parametrize('key', ['selection_loader', 'selection_loader_abn'])
def test_selection_scores_at_the_size_of_the_input(street_world, key):
    cfg = read('gta2cs', street_world)
    sample = DATASETS.build(cfg[key].dataset)[0]
    labels = sample['data_samples'].gt_sem_seg.data
    assert labels.shape[-2:] == sample['inputs'].shape[-2:]
    assert sample['data_samples'].ori_shape == labels.shape[-2:]
    assert labels.shape[-2:] == ((64, 80) if 'abn' in key else (64, 128))


def test_selection_images_are_training_images():
    """Appendix C against the official list, which is a test of its own."""
    text = (SUBSET_FOLDER / 'cityscapes_sac_val2.txt').read_text()
    names = [x for x in text.split('\n') if x and not x.startswith('#')]
    cities = {}
    for name in names:
        cities.setdefault(name.split('/')[0], []).append(name)
    assert {city: len(x) for city, x in cities.items()} == dict(
        aachen=30, bochum=15, bremen=50, cologne=27, darmstadt=14,
        dusseldorf=45, erfurt=13, hamburg=40, hanover=37, jena=20,
        krefeld=16, monchengladbach=16, strasbourg=61, stuttgart=38,
        tubingen=17, ulm=19, weimar=20, zurich=22,
    )  # fmt: skip
    assert 'strasbourg/strasbourg_000001_065214' in names
    assert 'aachen/aachen_000171_000019' in names


def test_label_maps():
    """Oracle 23."""
    view = get_class_view('cityscapes19')
    for table in ('cityscapes', 'gta'):
        found = view.lut(table)[[26, 33, 34, 0, 1]]
        np.testing.assert_array_equal(found, [13, 18, 255, 255, 255])
    found = view.lut('synthia')[[3, 21, 12, 22]]
    np.testing.assert_array_equal(found, [0, 3, 17, 255])
