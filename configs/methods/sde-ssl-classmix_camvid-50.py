# SPDX-License-Identifier: Apache-2.0
# ClassMix with labels on SDE's network, from ImageNet (exp. 210,
# scratch_classmixgt), 50 of CamVid's 367 labels.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sde_r101.py',
    '../_base_/datasets/sde_camvid.py',
    '../_base_/schedules/sde_20k.py',
]
labels = 'camvid_sde_ds_us_42.json:50'
model = dict(
    target_mix='class',
    segmentor=dict(decode_head=dict(num_classes=11)),
)
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
            dict(
                type='PartlyLabeledDataset',
                labeled=dict(_base_.mix_labeled_plain, indices=labels),
                unlabeled=dict(
                    _base_.mix_unlabeled_plain, indices=f'rest:{labels}'
                ),
            ),
        ],
    ),
)
