# SPDX-License-Identifier: Apache-2.0
# Minutes on one slow CPU core, with the paper's batch of 2 per branch: AdamW,
# warm-up 50, poly 0.9.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=800, val_interval=800)
optim_wrapper = dict(
    constructor='JointOptimWrapperConstructor',
    segmentor=dict(
        type='OptimWrapper',
        optimizer=dict(type='AdamW', lr=4e-3, weight_decay=0.01, fused=True),
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, begin=0, end=50, by_epoch=False),
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0.0,
        begin=50,
        end=801,
        by_epoch=False,
    ),
]
