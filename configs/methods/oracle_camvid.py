# SPDX-License-Identifier: Apache-2.0
# Trained and tested on real street frames: CamVid, 11 classes.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_r18.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/slim_800.py',
]
# 1 / sqrt(frequency) of CamVid's training labels, mean 1 over pixels.
class_weight = [
    *(0.88, 0.75, 3.62, 0.64, 1.70, 1.15),
    *(3.32, 3.41, 1.49, 4.59, 6.48),
]
model = dict(
    data_preprocessor=dict(data_preprocessor=dict(size=(192, 256))),
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
    dataset=dict(
        type='DomainConcatDataset', datasets=[_base_.target_labeled_train]
    ),
)
default_hooks = dict(checkpoint=dict(interval=200))
