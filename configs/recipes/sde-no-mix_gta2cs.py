# SPDX-License-Identifier: Apache-2.0
# Depth, segmentation.
_base_ = '_base_/sde_cs.py'

stages = [
    *_base_.depth_stages,
    dict(
        name='sde',
        kind='train',
        config='sde-no-mix_gta2cs',
        env=dict(SDE_DEPTH='{depth}'),
    ),
    dict(
        name='test', kind='test', config='sde-no-mix_gta2cs', checkpoint='sde'
    ),
]
