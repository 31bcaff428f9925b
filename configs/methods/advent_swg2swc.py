# SPDX-License-Identifier: Apache-2.0
# AdvEnt on StreetWorld: the slim net has one level, so has the discriminator;
# minutes on two cores. Validated and tested with the target's BatchNorm
# statistics, as its control adabn_swg2swc.
_base_ = './adabn_swg2swc.py'
model = dict(
    type='ADVENT',
    discriminators=dict(
        main=dict(
            type='FCDiscriminator',
            in_channels=19,
            base_channels=32,
            num_convs=4,
        )
    ),
    adv_weight_main=0.01,
    ramp_iters=100,
)
train_dataloader = dict(
    batch_size=8,
    sampler=dict(batch_size=8, source_ratio=[4, 4]),
    dataset=dict(datasets=[_base_.source_train, _base_.target_train]),
)
optim_wrapper = dict(
    discriminators=dict(
        type='OptimWrapper',
        optimizer=dict(type='Adam', lr=2e-4, betas=(0.9, 0.99)),
    ),
)
