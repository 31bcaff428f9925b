# SPDX-License-Identifier: Apache-2.0
# Depth, segmentation.
_base_ = '_base_/sde_cs.py'

stages = [
    *_base_.depth_stages,
    dict(
        name='sde',
        kind='train',
        config='sde-ssl_cs-744',
        env=dict(SDE_DEPTH='{depth}'),
    ),
    dict(name='test', kind='test', config='sde-ssl_cs-744', checkpoint='sde'),
]
