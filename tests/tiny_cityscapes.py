# SPDX-License-Identifier: Apache-2.0
"""A few random frames in the Cityscapes layout, and a plain mmseg config."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

# Every id of the official table that a frame may hold.
RAW_IDS = np.arange(34, dtype=np.uint8)
SIZE = (32, 64)


def write_frames(
    root: Path, split: str, count: int, seed: int, instances: bool = True
) -> list[str]:
    """Write frames and labels; return ``<city>_<sequence>_<frame>`` names."""
    rng = np.random.default_rng(seed)
    names = []
    for index in range(count):
        city = ('aachen', 'ulm')[index % 2]
        name = f'{city}_{index:06d}_000019'
        image = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        label = rng.choice(RAW_IDS, (SIZE[0] // 4, SIZE[1] // 4))
        label = label.repeat(4, 0).repeat(4, 1)
        _save(root, 'leftImg8bit', split, city, f'{name}_leftImg8bit', image)
        _save(root, 'gtFine', split, city, f'{name}_gtFine_labelIds', label)
        if instances:
            ids = label.astype(np.uint16)
            countable = (label >= 24) & (label <= 33)
            ids = np.where(countable, ids * 1000 + 1, ids)
            _save(
                root, 'gtFine', split, city, f'{name}_gtFine_instanceIds', ids
            )
        names.append(name)
    return names


def _save(
    root: Path, kind: str, split: str, city: str, name: str, pixels: np.ndarray
) -> None:
    folder = root / kind / split / city
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / f'{name}.png')


CONFIG = """
custom_imports = dict(imports=['mmseg_da'], allow_failed_imports=False)
default_scope = 'mmseg'
randomness = dict(seed=0)
norm_cfg = dict(type='BN')
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[128.0] * 3, std=[64.0] * 3,
        bgr_to_rgb=True, size=(32, 64)),
    backbone=dict(
        type='ResNet', depth=18, base_channels=4, stem_channels=4,
        strides=(1, 2, 1, 1), norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=32, in_index=3, channels=8, num_convs=1,
        concat_input=False, num_classes=19, norm_cfg=norm_cfg,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
labelled = [
    dict(type='LoadStreetImage'),
    dict(type='LoadRawLabels'),
    dict(type='PackUDAInputs')]
tta_pipeline = [
    dict(type='LoadStreetImage'),
    dict(type='TestTimeAug', transforms=[
        [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
        [dict(type='LoadRawLabels')],
        [dict(type='PackUDAInputs')]])]
tta_model = dict(type='SegTTAModel')
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='InfiniteSampler'),
    dataset=dict(
        type='CityscapesRawDataset', data_root='{root}', split='train',
        class_view='cityscapes19', pipeline=labelled))
val_dataloader = dict(
    batch_size=1, num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CityscapesRawDataset', data_root='{root}', split='val',
        class_view='cityscapes19', pipeline=labelled))
test_dataloader = val_dataloader
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = [val_evaluator]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
param_scheduler = [dict(type='PolyLR', end=3, by_epoch=False)]
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2))
log_processor = dict(by_epoch=False)
log_level = 'WARNING'
"""


def write_config(folder: Path, root: Path) -> Path:
    """Write a small ``EncoderDecoder`` config for the frames in ``root``."""
    path = folder / 'tiny_cs.py'
    path.write_text(CONFIG.replace('{root}', str(root)), encoding='utf-8')
    return path
