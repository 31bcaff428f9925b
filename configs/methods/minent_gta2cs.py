# SPDX-License-Identifier: Apache-2.0
# MinEnt: direct entropy minimisation on the target, at two levels.
# MinEnt+ER (only the 30 % of the pixels with the highest entropy):
# --cfg-options model.hard_ratio=0.3
_base_ = './advent_gta2cs.py'
model = dict(type='MinEnt', discriminators=None)
optim_wrapper = dict(
    _delete_=True,
    constructor='JointOptimWrapperConstructor',
    segmentor=_base_.optim_wrapper.segmentor,
)
