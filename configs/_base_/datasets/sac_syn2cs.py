# SPDX-License-Identifier: Apache-2.0
# SYNTHIA-RAND-CITYSCAPES -> Cityscapes as SAC trains it: all 9400 images,
# 19 outputs although terrain, truck and train do not occur, and GTA's colour
# statistics, as published. Scores: mIoU16 and mIoU13. Members, preprocessors:
# sac_gta2cs.py. Draw the missing classes uniformly:
# ClassCyclePolicy(uniform_classes=_base_.uniform_classes).
_base_ = './sac_gta2cs.py'
source_root = '{{$SYNTHIA_ROOT:data/synthia}}'
uniform_classes = ['terrain', 'truck', 'train']
source_images = dict(
    _delete_=True,
    type='SynthiaDataset',
    data_root=source_root,
    class_view=_base_.class_view,
)
load_source = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]
scale_source = dict(_base_.scale_source, scale=(1280, 760))
scale_source_abn = dict(_base_.scale_source_abn, scale=(1280, 760))
source_train = dict(
    source_images,
    pipeline=[
        *load_source,
        scale_source,
        _base_.flip,
        _base_.crop,
        _base_.pack_source,
    ],
)
source_train_abn = dict(
    source_images,
    pipeline=[
        *load_source,
        scale_source_abn,
        _base_.flip,
        _base_.abn_jitter,
        _base_.abn_crop,
        _base_.pack_source,
    ],
)
source_train_abn_vgg = dict(
    source_images,
    pipeline=[
        *load_source,
        scale_source_abn,
        _base_.flip,
        _base_.abn_jitter_vgg,
        _base_.abn_crop,
        _base_.pack_source,
    ],
)
