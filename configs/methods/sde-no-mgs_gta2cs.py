# SPDX-License-Identifier: Apache-2.0
# SDE without matching geometry: source images are drawn at random.
_base_ = './sde_gta2cs.py'
train_dataloader = dict(
    batch_size=6,
    sampler=dict(batch_size=6, source_ratio=[2, 2, 2]),
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_video_train, indices=_base_.labels),
            _base_.source_learned_train,
            dict(
                type='PartlyLabeledDataset',
                labeled=dict(
                    _base_.mix_labeled_learned, indices=_base_.labels
                ),
                unlabeled=dict(
                    _base_.mix_unlabeled_learned,
                    indices=f'rest:{_base_.labels}',
                ),
            ),
        ],
    ),
)
