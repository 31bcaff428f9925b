# SPDX-License-Identifier: Apache-2.0
# ClassMix with labels on SDE's network, from ImageNet (exp. 210,
# scratch_classmixgt), 100 labels.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sde_r101.py',
    '../_base_/datasets/sde_gta2cs.py',
    '../_base_/schedules/sde_40k.py',
]
labels = 'cityscapes_sde_ds_us_42.json:100'
model = dict(target_mix='class')
train_dataloader = dict(
    batch_size=4,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[2, 2]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
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
