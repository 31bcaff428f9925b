# SPDX-License-Identifier: Apache-2.0
# IntraDA's lambda study at 1.0: all images are easy, so there is no hard set
# and nothing to align; plain self-training on the pseudo labels of
# intrada_gta2cs. (At 0.0 there is no easy set: that is advent_gta2cs.)
_base_ = './intrada_gta2cs.py'
model = dict(type='SupervisedOnly', discriminators=None)
train_dataloader = dict(
    batch_size=1,
    sampler=dict(batch_size=1, source_ratio=[1]),
    dataset=dict(
        datasets=[dict(_base_.easy_train, key=_base_.ranking_key, part='all')]
    ),
)
optim_wrapper = dict(
    _delete_=True,
    constructor='JointOptimWrapperConstructor',
    segmentor=_base_.optim_wrapper.segmentor,
)
