# SPDX-License-Identifier: Apache-2.0
# ABN, the baseline of SAC: SYNTHIA -> Cityscapes, DeepLab-v2 ResNet-101.
# 90 epochs of 783 iterations. One GPU takes the whole batch, 12 source and
# 8 target images. 4 GPUs: batch_size=5, source_ratio=[3, 2], sync_bn='torch'.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/deeplabv2_r101.py',
    '../_base_/datasets/sac_syn2cs.py',
    '../_base_/schedules/sac_r101.py',
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
train_cfg = dict(max_iters=70470)
train_dataloader = dict(
    batch_size=20,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(
        type='MultiSourceSampler',
        batch_size=20,
        source_ratio=[12, 8],
    ),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[_base_.source_train_abn, _base_.target_train_abn],
    ),
)
