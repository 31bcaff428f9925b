# SPDX-License-Identifier: Apache-2.0
# Depth of Cityscapes video, disparities of CamVid frames, segmentation.
stages = [
    dict(name='pose', kind='train', config='sde-depth-pose_cs', seed=0),
    dict(
        name='phase1',
        kind='train',
        config='sde-depth-phase1_cs',
        seed=0,
        env=dict(SDE_POSE_WEIGHTS='{pose}'),
    ),
    dict(
        name='depth',
        kind='train',
        config='sde-depth-phase2_cs',
        seed=0,
        env=dict(SDE_DEPTH_PHASE1='{phase1}'),
    ),
    dict(
        name='target-disparity',
        kind='artifact',
        artifact='disparity',
        config='sde-depth-phase2_cs2camvid',
        checkpoint='depth',
        arguments=['--encoding', 'minmax8'],
    ),
    dict(
        name='sde',
        kind='train',
        config='sde-ssl-depthmix_camvid-100',
        env=dict(
            SDE_DEPTH='{depth}',
            TARGET_DISPARITY_ROOT='{target-disparity.root}',
            TARGET_DISPARITY_KEY='{target-disparity.key}',
        ),
    ),
    dict(
        name='test',
        kind='test',
        config='sde-ssl-depthmix_camvid-100',
        checkpoint='sde',
    ),
]
