# SPDX-License-Identifier: Apache-2.0
# SDE, semi-supervised with 4 of 200 labels: DepthMix with learned depth, and
# depth as an auxiliary task (the motion comes from the vehicle files).
_base_ = './sde-ssl_swc-8.py'
labels = 'fraction:1/50:seed42'
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_video_train, indices=labels),
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
