# SPDX-License-Identifier: Apache-2.0
# AdaptSegNet from Synscapes, the stage before intrada_synscapes2cs. Size
# assumed: 1440 x 720 (_base_/datasets/advent_synscapes2cs.py). Published
# weights need num_active_branches=2, see adaptsegnet_gta2cs.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/advent_r101.py',
    '../_base_/datasets/advent_synscapes2cs.py',
    '../_base_/schedules/advent_250k.py',
]
model = dict(
    input='prob',
    data_preprocessor=dict(
        branch_preprocessors=dict(source=dict(size=(720, 1440)))
    ),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=2, source_ratio=[1, 1]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[_base_.source_train, _base_.target_train],
    ),
)
train_cfg = dict(max_iters=150000, val_interval=5000)
default_hooks = dict(
    checkpoint=dict(interval=5000, save_best='mIoU', rule='greater')
)
