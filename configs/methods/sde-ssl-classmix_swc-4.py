# SPDX-License-Identifier: Apache-2.0
# ClassMix with 4 of 200 labels: half of the classes of an image are pasted
# on another one.
_base_ = './sde-ssl-classmix_swc-8.py'
labels = 'fraction:1/50:seed42'
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
