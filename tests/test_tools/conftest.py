# SPDX-License-Identifier: Apache-2.0
"""Tools imported by path, and a tiny wrapper config with its checkpoint."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from mmengine import Config
from mmengine.logging import HistoryBuffer
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

import mmseg_da  # noqa: F401  (registers the suite)

CLASSES = ('road', 'car', 'sky')
PALETTE = [[128, 64, 128], [0, 0, 142], [70, 130, 180]]
TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture
def load_tool(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Import ``tools/<path>.py``, which is no package, by its file."""

    def load(path: str) -> ModuleType:
        file = TOOLS / f'{path}.py'
        name = f'_tool_{file.stem}'
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


CAFFE = {'mean': [104.0, 116.0, 122.0], 'std': [1.0, 1.0, 1.0]}
RGB = {'mean': [120.0, 110.0, 100.0], 'std': [58.0, 57.0, 56.0]}


def write_images(root, labelled=True):
    """Two images of one plain BGR colour; labels 0 | 1, one row of 255."""
    for folder in ('images', 'labels'):
        (root / folder).mkdir(parents=True)
    label = np.zeros((24, 32), np.uint8)
    label[:, 16:] = 1
    label[0] = 255
    for stem in ('a', 'b'):
        image = np.full((24, 32, 3), (10, 100, 200), np.uint8)
        cv2.imwrite(str(root / 'images' / f'{stem}.png'), image)
        if labelled:
            cv2.imwrite(str(root / 'labels' / f'{stem}.png'), label)
    return root


def dataset(root, pipeline, labelled=True):
    prefix = {'img_path': 'images'}
    if labelled:
        prefix['seg_map_path'] = 'labels'
    return {
        'type': 'BaseSegDataset',
        'img_suffix': '.png',
        'seg_map_suffix': '.png',
        'data_root': str(root),
        'data_prefix': prefix,
        'metainfo': {'classes': CLASSES, 'palette': PALETTE},
        'pipeline': pipeline,
    }


def model(**extra):
    norm_cfg = {'type': 'BN'}
    return {
        'type': 'SupervisedOnly',
        'data_preprocessor': {
            'type': 'MultiBranchDataPreprocessor',
            'data_preprocessor': {
                'type': 'SegDataPreProcessor',
                'size': (24, 40),
                'bgr_to_rgb': True,
                **RGB,
            },
            'branch_preprocessors': {
                'target_strong': {
                    'type': 'SegDataPreProcessor',
                    'size': (24, 32),
                    **CAFFE,
                }
            },
        },
        'segmentor': {
            'type': 'EncoderDecoder',
            'backbone': {
                'type': 'ResNetV1c',
                'depth': 18,
                'base_channels': 4,
                'stem_channels': 4,
                'norm_cfg': norm_cfg,
                'init_cfg': {'type': 'Pretrained', 'checkpoint': 'no.pth'},
            },
            'decode_head': {
                'type': 'FCNHead',
                'in_channels': 32,
                'in_index': 3,
                'channels': 8,
                'num_convs': 1,
                'norm_cfg': norm_cfg,
                'num_classes': 3,
                'loss_decode': {'type': 'PixelCELoss'},
            },
            'test_cfg': {'mode': 'whole'},
        },
        **extra,
    }


@pytest.fixture
def tiny_config(tmp_path):
    """A config with branches in training and a plain validation."""
    root = write_images(tmp_path / 'data')
    pack = [{'type': 'PackUDAInputs'}]
    load = [{'type': 'LoadImageFromFile'}]
    labels = [{'type': 'LoadAnnotations'}]
    resize = [{'type': 'Resize', 'scale': (16, 12), 'keep_ratio': False}]
    source = [*load, *labels, {'type': 'MultiBranch', 'source': pack}]
    target = [
        *load,
        {'type': 'MultiBranch', 'target_weak': pack, 'target_strong': pack},
    ]
    test_pipeline = [*load, *resize, *labels, *pack]
    content = {
        'default_scope': 'mmseg',
        'model': model(teacher={'type': 'ExponentialMovingAverage'}),
        'train_dataloader': {
            'dataset': {
                'type': 'DomainConcatDataset',
                'datasets': [
                    dataset(root, source),
                    dataset(root, target, labelled=False),
                ],
            }
        },
        'test_pipeline': test_pipeline,
        'val_dataloader': {'dataset': dataset(root, test_pipeline)},
    }
    path = tmp_path / 'tiny.py'
    path.write_text(Config(content).pretty_text)
    return path


@pytest.fixture
def tiny_checkpoint(tiny_config, tmp_path):
    """A training checkpoint with everything a real one has."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    content = Config.fromfile(tiny_config).model
    content.segmentor.backbone.init_cfg = None
    network = MODELS.build(content)
    torch.nn.init.normal_(network.segmentor.decode_head.conv_seg.weight)
    path = tmp_path / 'iter_3.pth'
    meta = {
        'iter': np.int64(3),
        'dataset_meta': {'classes': CLASSES, 'palette': PALETTE},
        'hook_msgs': {'best_score': np.float32(1.0)},
    }
    torch.save(
        {
            'meta': meta,
            'state_dict': network.state_dict(),
            'optimizer': {'state': {0: torch.ones(1000)}},
            'message_hub': {'loss': HistoryBuffer([1.0], [1])},
        },
        path,
    )
    return path
