# SPDX-License-Identifier: Apache-2.0
# IntraDA's lambda study: 0.5 of the images are easy. The ranking is that of
# intrada_gta2cs, cut anew.
_base_ = './intrada_gta2cs.py'
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.easy_train, key=_base_.ranking_key, easy_ratio=0.5),
            dict(_base_.hard_train, key=_base_.ranking_key, easy_ratio=0.5),
        ]
    )
)
