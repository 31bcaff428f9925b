# SPDX-License-Identifier: Apache-2.0
# DepthMix with StreetWorld's exact depth and 30 of 200 labels: what a perfect
# depth network would give.
_base_ = './sde-ssl-exact_swc-8.py'
labels = 'fraction:3/20:seed42'
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
            dict(
                type='PartlyLabeledDataset',
                labeled=dict(_base_.mix_labeled_exact, indices=labels),
                unlabeled=dict(
                    _base_.mix_unlabeled_exact, indices=f'rest:{labels}'
                ),
            ),
        ]
    )
)
