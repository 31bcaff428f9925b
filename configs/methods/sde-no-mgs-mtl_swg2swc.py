# SPDX-License-Identifier: Apache-2.0
# SDE with a source, without matching geometry and multi-task learning: target
# and cross-domain DepthMix alone.
_base_ = './sde-no-mtl_swg2swc.py'
custom_hooks = [
    dict(type='MeanTeacherHook'),
    dict(
        type='DepthTransferHook',
        disparities=[_base_.load_target_learned, _base_.load_source_learned],
    ),
]
train_dataloader = dict(
    batch_size=6,
    sampler=dict(batch_size=6, source_ratio=[2, 2, 2]),
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_train, indices=_base_.labels),
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
