# SPDX-License-Identifier: Apache-2.0
# Depth of StreetWorld video (one network for all seeds), disparities of CamVid
# frames, segmentation.
_base_ = '_base_/sde_swc.py'

stages = [
    *_base_.depth_stages,
    dict(_base_.disparity_stages[0], config='sde-depth-given-pose_swc2camvid'),
    dict(
        name='sde',
        kind='train',
        config='sde-ssl-depthmix_camvid-23',
        env=dict(
            TARGET_DISPARITY_ROOT='{target-disparity.root}',
            TARGET_DISPARITY_KEY='{target-disparity.key}',
        ),
    ),
    dict(
        name='test',
        kind='test',
        config='sde-ssl-depthmix_camvid-23',
        checkpoint='sde',
    ),
]
