# SPDX-License-Identifier: Apache-2.0
# SDE with a source and StreetWorld's exact depth, without multi-task learning.
# Both disparities are stretched to [0, 1] per image.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_sde.py',
    '../_base_/datasets/sde_swg2swc.py',
    '../_base_/schedules/slim_sde_800.py',
]
labels = 'fraction:1/25:seed42'
model = dict(cross_domain_mix='depth')
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[2, 2]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[
            dict(_base_.target_labeled_train, indices=labels),
            dict(
                type='PairedGeometryDataset',
                # The paper's 80 and 100 of 512 rows.
                ignore_top=20,
                ignore_bottom=25,
                source=_base_.source_exact_train,
                source_geometry=_base_.source_exact_geometry,
                target=dict(
                    type='PartlyLabeledDataset',
                    labeled=dict(_base_.mix_labeled_exact, indices=labels),
                    unlabeled=dict(
                        _base_.mix_unlabeled_exact, indices=f'rest:{labels}'
                    ),
                ),
            ),
        ],
    ),
)
default_hooks = dict(checkpoint=dict(interval=200))
