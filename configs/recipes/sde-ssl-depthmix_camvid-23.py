# SPDX-License-Identifier: Apache-2.0
# Depth of StreetWorld video (one network for all seeds), disparities of CamVid
# frames, segmentation.
stages = [
    dict(
        name='depth',
        kind='train',
        config='sde-depth-given-pose_swc',
        seed=0,
    ),
    dict(
        name='target-disparity',
        kind='artifact',
        artifact='disparity',
        config='sde-depth-given-pose_swc2camvid',
        checkpoint='depth',
        arguments=['--encoding', 'minmax8'],
    ),
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
