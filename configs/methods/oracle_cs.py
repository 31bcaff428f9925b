# SPDX-License-Identifier: Apache-2.0
# DeepLab-v2 ResNet-101 trained on the labelled Cityscapes train split.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/deeplabv2_r101.py',
    '../_base_/datasets/gta2cs.py',
    '../_base_/schedules/deeplabv2_80k.py',
]
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=2, source_ratio=[1]),
    dataset=dict(
        type='DomainConcatDataset', datasets=[_base_.target_labeled_train]
    ),
)
