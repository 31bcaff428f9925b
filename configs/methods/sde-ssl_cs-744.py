# SPDX-License-Identifier: Apache-2.0
# SDE, semi-supervised with 744 selected labels of Cityscapes (1/4).
_base_ = './sde-ssl_cs-100.py'
labels = 'cityscapes_sde_ds_us_42.json:744'
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_video_train, indices=labels),
            dict(
                type='PartlyLabeledDataset',
                labeled=dict(_base_.mix_labeled_video, indices=labels),
                unlabeled=dict(
                    _base_.mix_unlabeled_video, indices=f'rest:{labels}'
                ),
            ),
        ]
    )
)
