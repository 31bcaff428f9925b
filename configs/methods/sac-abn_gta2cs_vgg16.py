# SPDX-License-Identifier: Apache-2.0
# ABN, the baseline of SAC: GTA5 -> Cityscapes, DeepLab-v2 VGG-16.
# 115 epochs of 562 iterations. One GPU takes the whole batch, 16 source and
# 2 target images. 2 GPUs: batch_size=9, source_ratio=[8, 1], sync_bn='torch'.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/deeplabv2_vgg16.py',
    '../_base_/datasets/sac_gta2cs.py',
    '../_base_/schedules/sac_vgg16.py',
]
model = dict(
    type='ABN',
    data_preprocessor=dict(_base_.abn_preprocessor, _delete_=True),
    segmentor=dict(
        decode_head=dict(
            loss_decode=dict(type='PixelCELoss', normalize='all')
        ),
    ),
)
train_cfg = dict(max_iters=64630)
train_dataloader = dict(
    batch_size=18,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(
        type='MultiSourceSampler',
        batch_size=18,
        source_ratio=[16, 2],
    ),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[_base_.source_train_abn_vgg, _base_.target_train_abn_vgg],
    ),
)
