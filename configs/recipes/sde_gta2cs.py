# SPDX-License-Identifier: Apache-2.0
# Depth, disparities, segmentation.
_base_ = ['_base_/sde_cs.py', '_base_/sde_gta.py']

stages = [
    *_base_.depth_stages,
    *_base_.disparity_stages,
    *_base_.source_stages,
    dict(
        name='sde',
        kind='train',
        config='sde_gta2cs',
        env=dict(**_base_.target_env, **_base_.source_env),
    ),
    dict(name='test', kind='test', config='sde_gta2cs', checkpoint='sde'),
]
