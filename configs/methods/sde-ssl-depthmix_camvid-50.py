# SPDX-License-Identifier: Apache-2.0
# DepthMix with labels, transfer, no multi-task learning (exp. 210), 50 of
# CamVid's 367 labels. Weights and disparities of the Cityscapes depth network.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sde_r101.py',
    '../_base_/datasets/sde_camvid.py',
    '../_base_/schedules/sde_20k.py',
]
labels = 'camvid_sde_ds_us_42.json:50'
depth_network = '{{$SDE_DEPTH:work_dirs/sde-depth-phase2_cs/iter_50000.pth}}'
model = dict(segmentor=dict(decode_head=dict(num_classes=11)))
custom_hooks = [
    dict(type='MeanTeacherHook'),
    dict(
        type='DepthTransferHook',
        checkpoint=depth_network,
        config='sde-depth-phase2_cs',
        disparities=[_base_.load_target_learned],
    ),
]
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
            dict(
                type='PartlyLabeledDataset',
                labeled=dict(_base_.mix_labeled_learned, indices=labels),
                unlabeled=dict(
                    _base_.mix_unlabeled_learned, indices=f'rest:{labels}'
                ),
            ),
        ],
    ),
)
