# SPDX-License-Identifier: Apache-2.0
# SDE's network on 100 labels alone, from ImageNet (exp. 210, scratch).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sde_r101.py',
    '../_base_/datasets/sde_gta2cs.py',
    '../_base_/schedules/sde_40k.py',
]
labels = 'cityscapes_sde_ds_us_42.json:100'
model = dict(target_mix='off', teacher=None)
custom_hooks = []
train_dataloader = dict(
    batch_size=2,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=2, source_ratio=[2]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
        ],
    ),
)
