# SPDX-License-Identifier: Apache-2.0
# ABN, the baseline of SAC, on StreetWorld from scratch: learns from `game`,
# its BatchNorm sees `real` too. Minutes on two cores.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_r18.py',
    '../_base_/datasets/sac_swg2swc.py',
    '../_base_/schedules/slim_800.py',
]
model = dict(
    type='ABN',
    data_preprocessor=dict(_base_.abn_preprocessor, _delete_=True),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=8, source_ratio=[4, 4]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[_base_.source_train_abn, _base_.target_train_abn],
    ),
)
default_hooks = dict(checkpoint=dict(interval=200))
