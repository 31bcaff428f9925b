# SPDX-License-Identifier: Apache-2.0
# Depth, disparities, segmentation.
stages = [
    dict(name='pose', kind='train', config='sde-depth-pose_cs'),
    dict(
        name='phase1',
        kind='train',
        config='sde-depth-phase1_cs',
        env=dict(SDE_POSE_WEIGHTS='{pose}'),
    ),
    dict(
        name='depth',
        kind='train',
        config='sde-depth-phase2_cs',
        env=dict(SDE_DEPTH_PHASE1='{phase1}'),
    ),
    dict(
        name='target-disparity',
        kind='artifact',
        artifact='disparity',
        config='sde-depth-phase2_cs',
        checkpoint='depth',
        arguments=['--encoding', 'minmax8'],
    ),
    dict(name='source-depth', kind='train', config='sde-depth_gta'),
    dict(
        name='source-disparity',
        kind='artifact',
        artifact='disparity',
        config='sde-depth_gta',
        checkpoint='source-depth',
        arguments=['--encoding', 'raw16'],
    ),
    dict(
        name='sde',
        kind='train',
        config='sde-no-mgs_gta2cs',
        env=dict(
            SDE_DEPTH='{depth}',
            TARGET_DISPARITY_ROOT='{target-disparity.root}',
            TARGET_DISPARITY_KEY='{target-disparity.key}',
            SOURCE_DISPARITY_ROOT='{source-disparity.root}',
            SOURCE_DISPARITY_KEY='{source-disparity.key}',
        ),
    ),
    dict(
        name='test', kind='test', config='sde-no-mgs_gta2cs', checkpoint='sde'
    ),
]
