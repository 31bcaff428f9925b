# SPDX-License-Identifier: Apache-2.0
# MinEnt on StreetWorld, minutes on two cores. Validated and tested with the
# target's BatchNorm statistics, as its control adabn_swg2swc. The weight is
# that of a small net: 0.3 makes rare classes vanish.
_base_ = './adabn_swg2swc.py'
model = dict(type='MinEnt', entropy_weight_main=0.03, ramp_iters=100)
train_dataloader = dict(
    batch_size=8,
    sampler=dict(batch_size=8, source_ratio=[4, 4]),
    dataset=dict(datasets=[_base_.source_train, _base_.target_train]),
)
