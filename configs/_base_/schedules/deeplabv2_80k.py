# SPDX-License-Identifier: Apache-2.0
# SGD of the DeepLab-v2 papers: 2.5e-4, classifier ten times that, poly 0.9.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=80000, val_interval=4000)
optim_wrapper = dict(
    constructor='JointOptimWrapperConstructor',
    segmentor=dict(
        type='OptimWrapper',
        optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
        paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
    ),
)
# The papers' (1 - i / 80000) ** 0.9: mmengine divides by end - begin - 1.
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0.0,
        begin=0,
        end=80001,
        by_epoch=False,
    )
]
