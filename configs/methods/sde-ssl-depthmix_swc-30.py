# SPDX-License-Identifier: Apache-2.0
# DepthMix with learned depth and 30 of 200 labels, without multi-task
# learning.
_base_ = './sde-ssl-depthmix_swc-8.py'
labels = 'fraction:3/20:seed42'
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
