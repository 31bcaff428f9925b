# SPDX-License-Identifier: Apache-2.0
# DepthMix with 1/8 of CamVid's labels and the depth of a network that saw
# StreetWorld video alone. No transfer: it differs from ClassMix in the mask.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_sde_camvid.py',
    '../_base_/datasets/sde_camvid_slim.py',
    '../_base_/schedules/slim_sde_800.py',
]
# 23 of 184 labels (46 of the usual 367), drawn blindly.
labels = 'fraction:1/8:seed42'
custom_hooks = [
    dict(type='MeanTeacherHook'),
    dict(
        type='DepthTransferHook',
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
default_hooks = dict(checkpoint=dict(interval=200))
