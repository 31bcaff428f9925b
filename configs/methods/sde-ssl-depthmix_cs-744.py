# SPDX-License-Identifier: Apache-2.0
# DepthMix with 744 labels, transfer, no multi-task learning (exp. 210).
_base_ = './sde-ssl-depthmix_cs-100.py'
labels = 'cityscapes_sde_ds_us_42.json:744'
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
        ]
    )
)
