# SPDX-License-Identifier: Apache-2.0
# GTA5 -> Cityscapes as ADVENT trains it: whole images, Pillow's bicubic
# resize, no augmentation at all.
_base_ = './gta2cs.py'
source_train = dict(
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='LoadRawLabels'),
        _base_.source_resize,
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
target_train = dict(
    pipeline=[
        dict(type='LoadStreetImage'),
        _base_.target_resize,
        dict(type='MultiBranch', target=[dict(type='PackUDAInputs')]),
    ],
)
