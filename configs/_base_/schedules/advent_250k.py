# SPDX-License-Identifier: Apache-2.0
# The schedule of ADVENT and IntraDA: a polynomial over 250,000 iterations,
# stopped at 120,000. Network: SGD 2.5e-4, classifiers ten times that;
# discriminators: Adam 1e-4.
# `repeats`: the papers' code steps backbone weights three or four times per
# iteration (see RepeatSGD). Plain SGD instead:
# --cfg-options optim_wrapper.segmentor.optimizer.type=SGD
train_cfg = dict(
    type='IterBasedTrainLoop', max_iters=120000, val_interval=2000
)
optim_wrapper = dict(
    constructor='JointOptimWrapperConstructor',
    segmentor=dict(
        type='OptimWrapper',
        optimizer=dict(
            type='RepeatSGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4
        ),
        paramwise_cfg=dict(
            custom_keys={
                'backbone.layer': dict(repeats=3),
                'downsample.0.weight': dict(repeats=4),
                'decode_head': dict(lr_mult=10.0),
                'auxiliary_head': dict(lr_mult=10.0),
            }
        ),
    ),
    discriminators=dict(
        type='OptimWrapper',
        optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99)),
    ),
)
# (1 - i / 250000) ** 0.9 for all: mmengine divides by end - begin - 1.
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0.0,
        begin=0,
        end=250001,
        by_epoch=False,
    )
]
