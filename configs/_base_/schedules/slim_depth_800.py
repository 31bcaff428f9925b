# SPDX-License-Identifier: Apache-2.0
# Minutes on one CPU core: AdamW, warm-up 50, constant, x0.1 at 3/4.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=800, val_interval=200)
_optim = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01, fused=True),
)
optim_wrapper = dict(
    constructor='JointOptimWrapperConstructor',
    encoder=_optim,
    decoder=_optim,
    pose_net=_optim,
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, begin=0, end=50, by_epoch=False),
    dict(type='MultiStepLR', milestones=[600], gamma=0.1, by_epoch=False),
]
