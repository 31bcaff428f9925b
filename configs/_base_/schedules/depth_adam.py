# SPDX-License-Identifier: Apache-2.0
# Adam of the depth stages, 1e-4, x0.1 after 160k iterations, no weight decay.
train_cfg = dict(
    type='IterBasedTrainLoop', max_iters=300000, val_interval=10000
)
optim_wrapper = dict(
    constructor='JointOptimWrapperConstructor',
    encoder=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5)),
    decoder=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4)),
    pose_net=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4)),
)
param_scheduler = [
    dict(type='MultiStepLR', milestones=[160000], gamma=0.1, by_epoch=False)
]
