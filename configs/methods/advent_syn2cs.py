# SPDX-License-Identifier: Apache-2.0
# AdvEnt from SYNTHIA: 16 classes, source at 1280 x 760, 90,000 iterations to
# the end of the polynomial, else as from GTA5.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/advent_r101.py',
    '../_base_/datasets/advent_syn2cs.py',
    '../_base_/schedules/advent_250k.py',
]
model = dict(
    data_preprocessor=dict(
        branch_preprocessors=dict(source=dict(size=(760, 1280)))
    ),
    segmentor=dict(
        decode_head=dict(num_classes=16),
        auxiliary_head=dict(num_classes=16),
    ),
    discriminators=dict(main=dict(in_channels=16), aux=dict(in_channels=16)),
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
train_cfg = dict(max_iters=90000)
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0.0,
        begin=0,
        end=90001,
        by_epoch=False,
    )
]
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
