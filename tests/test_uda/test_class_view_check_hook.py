# SPDX-License-Identifier: Apache-2.0
"""Parts that disagree about the classes stop a run before iteration 0."""

import contract
import pytest
import torch
from mmengine.runner import Runner
from mmseg.registry import MODELS

CONFIG = contract.REPO / 'configs/methods/source-only_swg2swc.py'


@pytest.fixture
def cfg(street_world, tmp_path):
    return contract.small_config(CONFIG, street_world, tmp_path / 'run')


def refused(cfg, *texts, test=False):
    runner = Runner.from_cfg(cfg)
    with pytest.raises(ValueError) as caught:
        runner.test() if test else runner.train()
    for text in texts:
        assert text in str(caught.value)
    if not test:
        assert runner.iter == 0


def test_a_run_that_agrees_starts(cfg):
    runner, _ = contract.run(cfg, validate=True)
    assert runner.iter == 2


@pytest.mark.parametrize('test', [False, True], ids=['train', 'test'])
def test_model_and_data_differ(cfg, test):
    cfg.model.segmentor.decode_head.num_classes = 16
    refused(
        cfg,
        'model.segmentor.decode_head.num_classes: 16 classes',
        "class_view 'cityscapes19' 19 classes",
        'Give all data sets and metrics the same class_view',
        test=test,
    )


def test_training_and_validation_data_differ(cfg):
    cfg.val_dataloader.dataset.class_view = 'cityscapes16'
    refused(
        cfg,
        'train_dataloader.dataset.datasets[0] (gta): class_view',
        "val_dataloader.dataset (cs): class_view 'cityscapes16' 16 classes",
    )


def test_metric_and_data_differ(cfg):
    cfg.test_evaluator.class_view = 'vistas7'
    refused(
        cfg,
        "test_evaluator (SubsetIoUMetric): class_view 'vistas7' 7 classes",
        test=True,
    )


def test_equal_numbers_of_other_classes(cfg):
    """Nineteen classes of another order pass torch, but not the hook."""
    names = [f'class {i}' for i in range(19)]
    dataset = cfg.val_dataloader.dataset
    cfg.val_dataloader.dataset = dict(
        type='CustomRawDataset',
        data_root=dataset.data_root,
        data_prefix=dict(
            img_path='leftImg8bit/val', seg_map_path='gtFine/val'
        ),
        img_suffix='_leftImg8bit.png',
        seg_map_suffix='_gtFine_labelIds.png',
        classes=names,
        raw_labels=[(i, names[i % 19]) for i in range(34)],
        dataset_name='shop',
        pipeline=dataset.pipeline,
    )
    refused(cfg, "val_dataloader.dataset (shop): class_view 'shop' 19")


def save(cfg, path, **meta):
    state = MODELS.build(cfg.model).state_dict()
    content = {'state_dict': state, 'meta': {'dataset_meta': meta}}
    torch.save(content, path)
    cfg.load_from = str(path)


@pytest.mark.parametrize('test', [False, True], ids=['train', 'test'])
def test_checkpoint_of_another_view(cfg, tmp_path, test):
    names = tuple('abcdefghijklmnopqrs')
    save(cfg, tmp_path / 'old.pth', classes=names, class_view='letters')
    refused(
        cfg,
        f"checkpoint '{tmp_path}/old.pth': class_view 'letters' 19 classes",
        'take a checkpoint of that view',
        test=test,
    )


def test_checkpoint_without_metadata_but_another_head(cfg, tmp_path):
    save(cfg, tmp_path / 'old.pth')
    content = torch.load(tmp_path / 'old.pth', weights_only=True)
    for key, value in content['state_dict'].items():
        if 'decode_head.conv_seg' in key:
            content['state_dict'][key] = value[:16]
    torch.save(content, tmp_path / 'old.pth')
    refused(cfg, "old.pth': 16 classes")


def test_checkpoint_of_mmseg_with_the_same_classes(cfg, tmp_path):
    from mmseg.datasets import CityscapesDataset

    classes = CityscapesDataset.METAINFO['classes']
    save(cfg, tmp_path / 'old.pth', CLASSES=list(classes))
    runner, _ = contract.run(cfg)
    assert runner.iter == 2


def test_class_weights(cfg):
    loss = cfg.model.segmentor.decode_head.loss_decode
    loss.class_weight = [1.0] * 16
    refused(
        cfg,
        'model.segmentor.decode_head: PixelCELoss.class_weight has 16 '
        'entries, the head has 19 classes',
    )
