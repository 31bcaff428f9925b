# SPDX-License-Identifier: Apache-2.0
# Supervised on the source and 8 of 200 labels of `real`.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_sde.py',
    '../_base_/datasets/sde_swg2swc.py',
    '../_base_/schedules/slim_sde_800.py',
]
labels = 'fraction:1/25:seed42'
model = dict(target_mix='off', teacher=None)
custom_hooks = []
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[2, 2]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
            _base_.source_plain_train,
        ],
    ),
)
default_hooks = dict(checkpoint=dict(interval=200))
