# SPDX-License-Identifier: Apache-2.0
# Depth, disparities, segmentation.
_base_ = '_base_/sde_cs.py'

stages = [
    *_base_.depth_stages,
    *_base_.disparity_stages,
    dict(
        name='sde',
        kind='train',
        config='sde-no-cdm_gta2cs',
        env=_base_.target_env,
    ),
    dict(
        name='test', kind='test', config='sde-no-cdm_gta2cs', checkpoint='sde'
    ),
]
