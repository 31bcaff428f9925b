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
        name='sde',
        kind='train',
        config='sde-no-mix_gta2cs',
        env=dict(
            SDE_DEPTH='{depth}',
        ),
    ),
    dict(
        name='test', kind='test', config='sde-no-mix_gta2cs', checkpoint='sde'
    ),
]
