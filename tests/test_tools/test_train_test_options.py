# SPDX-License-Identifier: Apache-2.0
"""--cfg-options, work directories and files of the command line tools."""

import argparse
import json
import os
from urllib.error import URLError

import contract
import pytest
import torch
from mmengine.config import Config
from tiny_cityscapes import write_config
from tool_calls import load

from mmseg_da.utils import (
    atomic_write,
    ensure_writable,
    tool_runner,
    write_json,
)
from mmseg_da.utils.config_options import merge_options, parse_options
from mmseg_da.utils.evaluation_options import (
    drop_labels,
    save_predictions,
    use_tta,
)


@pytest.fixture
def cfg(tmp_path):
    return Config.fromfile(str(write_config(tmp_path, tmp_path / 'cs')))


def merge(cfg, *pairs):
    merge_options(cfg, parse_options(pairs))


def test_values_are_merged(cfg):
    merge(
        cfg,
        'train_cfg.max_iters=7',
        'model.backbone.strides=(1,1,1,1)',
        'val_dataloader.dataset.pipeline.0.type=LoadImageFromFile',
    )
    assert cfg.train_cfg.max_iters == 7
    assert cfg.model.backbone.strides == (1, 1, 1, 1)
    first = cfg.val_dataloader.dataset.pipeline[0]
    assert first.type == 'LoadImageFromFile'
    merge(cfg)
    assert parse_options([]) == {}


@pytest.mark.parametrize(
    'pair',
    [
        'model.decode_head.dropout_ratio=0.5',  # argument of a base class
        'model.decode_head.norm_cfg.requires_grad=False',
        'model.decode_head.sampler.type=OHEMPixelSampler',
        'optim_wrapper.optimizer.weight_decay=0.1',
        'optim_wrapper.clip_grad.max_norm=3',
        'optim_wrapper.paramwise_cfg.norm_decay_mult=0',
        'train_dataloader.pin_memory=True',
        'train_dataloader.dataset.indices=2',
        'default_hooks.checkpoint.save_best=mIoU',
        'default_hooks.timer.type=IterTimerHook',
        'randomness.deterministic=True',
        'env_cfg.cudnn_benchmark=False',
        'load_from=x.pth',
        'work_dir=somewhere',
        'find_unused_parameters=True',
        'model.test_cfg.crop_size=(8,8)',
    ],
)
def test_new_keys_that_something_reads(cfg, pair):
    merge(cfg, pair)


@pytest.mark.parametrize(
    ('pair', 'message'),
    [
        ('train_cfg.max_iter=7', r'Nearest keys: train_cfg\.max_iters'),
        ('model.decode_hed.channels=7', r'Nearest keys: model\.decode_head'),
        (
            'model.backbone.dept=50',
            r'ResNet has no such argument.*: model\.backbone\.depth',
        ),
        ('train_dataloader.workers=2', r'train_dataloader\.num_workers'),
        ('default_hooks.loger.interval=1', r'default_hooks\.logger'),
        ('optim_wraper.type=x', 'Nearest keys: optim_wrapper'),
        ('randomness.sed=1', r'Nearest keys: randomness\.seed'),
        ('model.test_cfg.mod=slide', r'model\.test_cfg\.mode'),
        ('train_cfg.max_iters.x=1', 'is 2, not a dict'),
        ('param_scheduler.3.end=1', r'one of the indices 0\.\.0'),
        (
            'model.backbone.strides.0=2',
            r'whole list: model\.backbone\.strides="\[\.\.\.\]"',
        ),
        (
            'norm_cfg.type=SyncBN',
            r'variable of the config.*model\.backbone\.norm_cfg',
        ),
        ('max_iters', "'max_iters' is not of the form KEY=VALUE"),
        ('a=[1,(2]', 'Imbalanced brackets'),
    ],
)
def test_keys_that_nothing_reads(cfg, pair, message):
    with pytest.raises(ValueError, match=message):
        merge(cfg, pair)


def test_type_and_its_arguments_in_one_call(cfg):
    merge(
        cfg,
        'optim_wrapper.optimizer.type=Adam',
        'optim_wrapper.optimizer.betas=(0.9,0.99)',
    )
    assert cfg.optim_wrapper.optimizer.betas == (0.9, 0.99)


def test_predictions_of_other_data_are_train_ids(cfg):
    cfg.test_dataloader.dataset.update(
        type='CamVidDataset', class_view='camvid11'
    )
    save_predictions(cfg, 'out', format_only=False)
    assert [metric['type'] for metric in cfg.test_evaluator] == [
        'SubsetIoUMetric',
        'PredictionWriter',
    ]
    cfg.test_dataloader.dataset.update(
        type='CityscapesRawDataset', class_view='vistas7'
    )
    save_predictions(cfg, 'out', format_only=True)
    assert [metric['type'] for metric in cfg.test_evaluator] == [
        'PredictionWriter'
    ]


@pytest.mark.parametrize(
    'own', [{'classes': ['a']}, {'metainfo': {'classes': ['a']}}]
)
def test_predictions_of_own_classes_are_train_ids(cfg, own):
    cfg.test_dataloader.dataset.pop('class_view')
    cfg.test_dataloader.dataset.update(own, type='CityscapesDataset')
    save_predictions(cfg, 'out', format_only=True)
    assert [metric['type'] for metric in cfg.test_evaluator] == [
        'PredictionWriter'
    ]


def test_predictions_of_a_misspelt_view(cfg):
    cfg.test_dataloader.dataset.class_view = 'cityscapes20'
    with pytest.raises(ValueError, match=r"'cityscapes20'; allowed: .*s19"):
        save_predictions(cfg, 'out', format_only=False)


def test_options_reach_concatenated_data(cfg):
    plain = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = {
        'type': 'ConcatDataset',
        'datasets': [plain, plain],
    }
    use_tta(cfg)
    drop_labels(cfg)
    for dataset in cfg.test_dataloader.dataset.datasets:
        assert dataset.labeled is False
        branches = dataset.pipeline[1].transforms
        assert len(branches) == 2
    assert cfg.model.type == 'SegTTAModel'
    assert cfg.model.module.type == 'EncoderDecoder'


def test_atomic_write(tmp_path):
    path = tmp_path / 'new' / 'file.txt'
    with atomic_write(path) as temporary:
        temporary.write_text('one')
        assert not path.exists()
    with pytest.raises(KeyError), atomic_write(path) as temporary:
        temporary.write_text('half')
        raise KeyError
    assert path.read_text() == 'one'
    assert [file.name for file in path.parent.iterdir()] == ['file.txt']


def test_write_json_is_strict(tmp_path):
    path = tmp_path / 'x.json'
    write_json(path, {'a': float('nan'), 'b': [1, (2.5, float('inf'))]})
    assert json.loads(path.read_text()) == {'a': None, 'b': [1, [2.5, None]]}
    with pytest.raises(TypeError):
        write_json(path, {'a': torch.zeros(1)})
    assert json.loads(path.read_text())['a'] is None


def test_ensure_writable(tmp_path):
    assert ensure_writable(tmp_path / 'a' / 'b', 'x').is_dir()
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=r"work_dir: cannot write to '.*file'"):
        ensure_writable(tmp_path / 'file', 'work_dir')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match='cannot write to'):
        ensure_writable(tmp_path, '--work-dir')


def test_work_dir_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = argparse.Namespace(work_dir=None, config='configs/a_b.py')
    cfg = Config({})
    tool_runner.set_work_dir(cfg, args)
    assert cfg.work_dir == str(tmp_path / 'work_dirs' / 'a_b')
    args.work_dir, cfg.work_dir = None, 'from_config'
    tool_runner.set_work_dir(cfg, args)
    assert args.work_dir == str(tmp_path / 'from_config')
    args.work_dir = 'from_line'
    tool_runner.set_work_dir(cfg, args)
    assert cfg.work_dir == str(tmp_path / 'from_line')


class Broken(torch.utils.data.Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise ValueError('a.png: label is 3x3, image 4x4.\nResize: not done')


def test_error_of_a_data_worker_is_unwrapped():
    loader = torch.utils.data.DataLoader(Broken(), num_workers=1)
    with pytest.raises(ValueError, match=r'Original Traceback') as caught:
        next(iter(loader))
    text = tool_runner.error_text(caught.value).strip()
    assert text == 'a.png: label is 3x3, image 4x4.\nResize: not done'


def test_builder_prefix_is_cut():
    error = ValueError('class `A` in a/b.py: class `C` in d.py: data_root x')
    assert tool_runner.error_text(error) == 'data_root x'
    assert tool_runner.error_text(OSError()) == 'OSError'
    text = tool_runner.error_text(URLError('no route'))
    assert 'could not be downloaded' in text and 'no route' in text
    assert 'init_cfg.checkpoint=FILE' in text


def test_all_places_of_a_variable_are_named():
    cfg = contract.parsed(contract.REPO / 'configs/methods/sde_gta2cs.py')
    with pytest.raises(ValueError, match='labels is a variable') as caught:
        merge_options(cfg, {'labels': 'fraction:1/30:seed42'})
    for place in ('0.indices', '1.target.labeled', '1.target.unlabeled'):
        assert f'datasets.{place}' in str(caught.value)


def test_resume_survives_a_half_written_marker(tmp_path, monkeypatch):
    """A kill leaves `last_checkpoint` empty or a checkpoint cut off."""
    train = load('train')
    log = []
    monkeypatch.setattr(train, 'print_log', lambda text, **_: log.append(text))
    for iteration in (50, 100):
        torch.save({'iter': iteration}, tmp_path / f'iter_{iteration}.pth')
    whole = (tmp_path / 'iter_100.pth').read_bytes()
    marker = tmp_path / 'last_checkpoint'
    assert train.last_checkpoint(str(tmp_path)) is None
    marker.write_text('/elsewhere/iter_50.pth')
    assert train.last_checkpoint(str(tmp_path)).endswith('iter_50.pth')
    assert log == []
    for cut in ('', '\0' * 9, '/elsewhere/iter_'):
        marker.write_text(cut)
        assert train.last_checkpoint(str(tmp_path)).endswith('iter_100.pth')
        assert 'newest whole one is taken' in log.pop()
    (tmp_path / 'iter_100.pth').write_bytes(whole[: len(whole) // 2])
    assert train.last_checkpoint(str(tmp_path)).endswith('iter_50.pth')
    marker.write_text(str(tmp_path / 'iter_100.pth'))
    assert train.last_checkpoint(str(tmp_path)).endswith('iter_50.pth')
    assert "iter_100.pth', which is no whole checkpoint" in log[-1]
    (tmp_path / 'iter_50.pth').unlink()
    assert train.last_checkpoint(str(tmp_path)) is None
    assert 'the run starts anew' in log[-1]
    cfg = Config({'work_dir': str(tmp_path)})
    train.set_resume(cfg, 'auto')
    assert cfg.resume is False and 'load_from' not in cfg
