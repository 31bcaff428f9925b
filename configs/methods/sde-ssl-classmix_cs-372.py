# SPDX-License-Identifier: Apache-2.0
# ClassMix with 372 labels on SDE's network (exp. 210).
_base_ = './sde-ssl-classmix_cs-100.py'
labels = 'cityscapes_sde_ds_us_42.json:372'
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
        ]
    )
)
