# SPDX-License-Identifier: Apache-2.0
# SGD of SAC (Araslanov & Roth, CVPR 2021), both stages: the learning rate
# never changes. Weights of new layers 10 x, biases 2 x and without decay.
# The configs set train_cfg.max_iters.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=30000, val_interval=5000)
optim_wrapper = dict(
    constructor='JointOptimWrapperConstructor',
    segmentor=dict(
        type='OptimWrapper',
        constructor='NewLayerOptimWrapperConstructor',
        paramwise_cfg=dict(new_layers=['decode_head']),
        optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    ),
)
param_scheduler = []
