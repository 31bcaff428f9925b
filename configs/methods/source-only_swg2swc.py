# SPDX-License-Identifier: Apache-2.0
# Trained on StreetWorld `game` alone, tested on `real`: the floor.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_r18.py',
    '../_base_/datasets/swg2swc.py',
    '../_base_/schedules/slim_800.py',
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(type='DomainConcatDataset', datasets=[_base_.source_train]),
)
default_hooks = dict(checkpoint=dict(interval=200))
