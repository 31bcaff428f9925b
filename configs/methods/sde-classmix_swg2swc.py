# SPDX-License-Identifier: Apache-2.0
# Source classes pasted on target images (cross-domain ClassMix), 8 of 200
# labels of `real`, without depth.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_sde.py',
    '../_base_/datasets/sde_swg2swc.py',
    '../_base_/schedules/slim_sde_800.py',
]
labels = 'fraction:1/25:seed42'
model = dict(target_mix='off', cross_domain_mix='class')
train_dataloader = dict(
    batch_size=6,
    num_workers=0,
    sampler=dict(
        type='MultiSourceSampler', batch_size=6, source_ratio=[2, 2, 2]
    ),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
            _base_.source_plain_train,
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
default_hooks = dict(checkpoint=dict(interval=200))
