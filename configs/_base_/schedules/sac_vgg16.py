# SPDX-License-Identifier: Apache-2.0
# As for ResNet-101; fc6 and fc7 are new layers, too.
_base_ = './sac_r101.py'
optim_wrapper = dict(
    segmentor=dict(
        paramwise_cfg=dict(
            new_layers=[
                'backbone.features.42',
                'backbone.features.44',
                'decode_head',
            ]
        )
    )
)
