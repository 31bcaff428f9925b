# SPDX-License-Identifier: Apache-2.0
# Depth of Cityscapes video, disparities of CamVid frames, segmentation.
_base_ = '_base_/sde_cs.py'

stages = [
    *_base_.depth_stages,
    dict(_base_.disparity_stages[0], config='sde-depth-phase2_cs2camvid'),
    dict(
        name='sde',
        kind='train',
        config='sde-ssl-depthmix_camvid-100',
        env=_base_.target_env,
    ),
    dict(
        name='test',
        kind='test',
        config='sde-ssl-depthmix_camvid-100',
        checkpoint='sde',
    ),
]
