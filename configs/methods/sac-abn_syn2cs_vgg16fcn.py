# SPDX-License-Identifier: Apache-2.0
# ABN, the baseline of SAC: SYNTHIA -> Cityscapes, FCN-8s VGG-16.
# 40 epochs of 587 iterations. One GPU takes the whole batch, 16 source and
# 4 target images. 4 GPUs: batch_size=5, source_ratio=[4, 1], sync_bn='torch'.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/fcn8s_vgg16.py',
    '../_base_/datasets/sac_syn2cs.py',
    '../_base_/schedules/sac_vgg16fcn.py',
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
train_cfg = dict(max_iters=23480)
train_dataloader = dict(
    batch_size=20,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(
        type='MultiSourceSampler',
        batch_size=20,
        source_ratio=[16, 4],
    ),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[_base_.source_train_abn_vgg, _base_.target_train_abn_vgg],
    ),
)
