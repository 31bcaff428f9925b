# SPDX-License-Identifier: Apache-2.0
# Trained on StreetWorld `game` alone, tested on the real CamVid frames.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_r18.py',
    '../_base_/datasets/swg2camvid.py',
    '../_base_/schedules/slim_800.py',
]
# 1 / sqrt(frequency) of StreetWorld `game` in this view, mean 1 over pixels.
class_weight = [
    *(1.18, 0.61, 3.01, 0.72, 2.04, 1.75),
    *(3.54, 6.82, 1.04, 5.80, 3.00),
]
model = dict(
    data_preprocessor=dict(data_preprocessor=dict(size=(128, 176))),
    segmentor=dict(
        decode_head=dict(
            num_classes=11, loss_decode=dict(class_weight=class_weight)
        )
    ),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(type='DomainConcatDataset', datasets=[_base_.source_train]),
)
default_hooks = dict(checkpoint=dict(interval=200))
