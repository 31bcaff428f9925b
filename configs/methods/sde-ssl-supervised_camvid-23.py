# SPDX-License-Identifier: Apache-2.0
# Supervised on 1/8 of CamVid's labels: the floor of the semi-supervised rows.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_sde_camvid.py',
    '../_base_/datasets/sde_camvid_slim.py',
    '../_base_/schedules/slim_sde_800.py',
]
# 23 of 184 labels (46 of the usual 367), drawn blindly.
labels = 'fraction:1/8:seed42'
model = dict(target_mix='off', teacher=None)
custom_hooks = []
train_dataloader = dict(
    batch_size=2,
    sampler=dict(batch_size=2, source_ratio=[2]),
    dataset=dict(datasets=[dict(_base_.target_labeled_train, indices=labels)]),
)
default_hooks = dict(checkpoint=dict(interval=200))
