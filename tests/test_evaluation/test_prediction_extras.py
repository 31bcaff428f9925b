# SPDX-License-Identifier: Apache-2.0
"""SAC's outputs: oracle 24 of its sheet."""

import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from tiny_cityscapes import SIZE, write_frames

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.conversion.class_stats import class_stats_of_folder
from mmseg_da.evaluation import CityscapesSubmission, PredictionWriter
from mmseg_da.utils.evaluation_options import save_predictions

VIEW = get_class_view('cityscapes19')
META = {
    'classes': VIEW.classes,
    'palette': VIEW.palette,
    'class_view': 'cityscapes19',
}


def samples(root, count=2, labelled=True):
    generator = torch.Generator().manual_seed(0)
    for name in write_frames(root, 'val', count, seed=2):
        city = name.split('_')[0]
        logits = 3 * torch.randn(19, *SIZE, generator=generator)
        sample = {
            'seg_logits': {'data': logits},
            'pred_sem_seg': {'data': logits.argmax(0, keepdim=True)},
            'img_path': str(
                root / 'leftImg8bit/val' / city / f'{name}_leftImg8bit.png'
            ),
            'ori_shape': SIZE,
        }
        if labelled:
            path = root / 'gtFine/val' / city / f'{name}_gtFine_labelIds.png'
            raw = np.asarray(Image.open(path))
            label = torch.from_numpy(VIEW.lut('cityscapes')[raw])
            sample['gt_sem_seg'] = {'data': label[None]}
            sample['seg_map_path'] = str(path)
        yield sample


def run(metric, given):
    metric.dataset_meta = META
    metric.process(None, given)
    return metric.evaluate(len(given))


def read(path):
    return np.asarray(Image.open(path))


def test_oracle_24_train_ids_label_ids_and_probabilities(tmp_path):
    given = list(samples(tmp_path / 'cs'))
    out = tmp_path / 'out'
    metric = CityscapesSubmission(out, train_ids=True, soft=True, color=True)
    scores = run(metric, given)
    plain = run(CityscapesSubmission(tmp_path / 'plain'), given)
    assert scores == plain  # scored on the label ids only
    for sample in given:
        stem = sample['img_path'].split('/')[-1]
        frame = stem.removesuffix('_leftImg8bit.png')
        ids = sample['pred_sem_seg']['data'][0].numpy()
        path = out / 'train_ids' / f'{frame}_gtFine_labelIds.png'
        assert Image.open(path).mode == 'L'
        assert np.array_equal(read(path), ids) and ids.shape == SIZE
        raw = read(out / 'label_ids' / f'{frame}_pred_labelIds.png')
        assert (raw[ids == 18] == 33).all() and (ids == 18).any()
        with np.load(out / 'soft' / f'{frame}_soft.npz') as file:
            soft = file['raw']
        assert soft.dtype == np.float32 and soft.shape == (19, *SIZE)
        np.testing.assert_allclose(soft.sum(0), 1, atol=1e-5)
        assert np.array_equal(soft.argmax(0), ids)
    assert not (out / 'overlay').exists()
    assert not (tmp_path / 'plain' / 'soft').exists()
    assert not list(out.rglob('.*'))


def test_soft_masks_of_other_data_have_the_same_names(tmp_path):
    given = list(samples(tmp_path / 'cs', labelled=False))
    plain = tmp_path / 'camvid_0001.png'
    shutil.copy(given[1]['img_path'], plain)
    given[1]['img_path'] = str(plain)
    suffix = '_gtFine_labelIds'
    for out, options in (('a', {}), ('b', {'name_suffix': suffix})):
        run(PredictionWriter(tmp_path / out, soft=True, **options), given)
        assert sorted(p.name for p in (tmp_path / out / 'soft').iterdir()) == [
            'aachen_000000_000019_soft.npz',
            'camvid_0001_soft.npz',
        ]


def test_train_ids_under_sacs_names_are_counted(tmp_path):
    given = list(samples(tmp_path / 'cs', labelled=False))
    out = tmp_path / 'out'
    run(PredictionWriter(out, name_suffix='_gtFine_labelIds'), given)
    stats = class_stats_of_folder(
        out / 'train_ids', VIEW, '_gtFine_labelIds.png', workers=1
    )
    assert stats.names == ('aachen_000000_000019', 'ulm_000001_000019')
    ids = given[0]['pred_sem_seg']['data'].flatten()
    assert stats.counts[0].tolist() == ids.bincount(minlength=19).tolist()
    with pytest.raises(ValueError, match="hold Cityscapes' label ids"):
        class_stats_of_folder(
            tmp_path / 'cs/gtFine', VIEW, '_gtFine_labelIds.png', workers=1
        )


@pytest.mark.parametrize('labelled', [True, False])
def test_overlays(tmp_path, labelled):
    (sample,) = samples(tmp_path / 'cs', 1, labelled)
    out = tmp_path / 'out'
    run(PredictionWriter(out, overlay=True), [sample])
    (path,) = (out / 'overlay').iterdir()
    picture = read(path).astype(int)
    height, width = SIZE
    assert picture.shape == (height, width * (1 + labelled), 3)
    image = read(sample['img_path'])
    palette = np.zeros((256, 3))
    palette[:19] = VIEW.palette
    ids = sample['pred_sem_seg']['data'][0].numpy()
    expected = 0.3 * image + 0.7 * palette[ids]
    assert np.abs(picture[:, :width] - expected).max() <= 0.51
    if labelled:
        label = sample['gt_sem_seg']['data'][0].numpy()
        expected = 0.3 * image + 0.7 * palette[label]
        assert (label == 255).any()
        assert np.abs(picture[:, width:] - expected).max() <= 0.51


def test_bad_extras(tmp_path):
    (sample,) = samples(tmp_path / 'cs', 1)
    logits = sample.pop('seg_logits')
    with pytest.raises(ValueError, match='no seg_logits'):
        run(PredictionWriter(tmp_path / 'a', soft=True), [sample])
    sample['seg_logits'] = {'data': logits['data'].flip(2)}
    with pytest.raises(ValueError, match='do not give this prediction'):
        run(PredictionWriter(tmp_path / 'b', soft=True), [sample])
    Image.new('RGB', (8, 8)).save(sample['img_path'])
    with pytest.raises(ValueError, match=r'image of \(8, 8\), but'):
        run(PredictionWriter(tmp_path / 'c', overlay=True), [sample])


def test_options_of_the_test_tool():
    dataset = {'type': 'CityscapesRawDataset', 'class_view': 'cityscapes19'}
    cfg = Config(
        dict(test_dataloader=dict(dataset=dataset), test_evaluator=dict())
    )
    save_predictions(cfg, 'out', True, ['soft', 'train_ids'])
    (writer,) = cfg.test_evaluator
    assert writer['type'] == 'CityscapesSubmission'
    assert writer['soft'] and writer['train_ids'] and 'color' not in writer
    cfg.test_dataloader.dataset['class_view'] = 'vistas7'
    save_predictions(cfg, 'out', True, ['train_ids', 'overlay'])
    (writer,) = cfg.test_evaluator
    assert writer['type'] == 'PredictionWriter' and writer['overlay']
    assert writer['name_suffix'] == '_gtFine_labelIds'
    assert 'train_ids' not in writer
