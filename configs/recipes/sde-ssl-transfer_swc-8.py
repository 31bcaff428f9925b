# SPDX-License-Identifier: Apache-2.0
# Depth, disparities, segmentation. All seeds share the depth networks, as in
# the paper.
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
        config='sde-depth-given-pose_swc',
        checkpoint='depth',
        arguments=['--encoding', 'minmax8'],
    ),
    dict(
        name='sde',
        kind='train',
        config='sde-ssl-transfer_swc-8',
        env=dict(
            SDE_DEPTH='{depth}',
            TARGET_DISPARITY_ROOT='{target-disparity.root}',
            TARGET_DISPARITY_KEY='{target-disparity.key}',
        ),
    ),
    dict(
        name='test',
        kind='test',
        config='sde-ssl-transfer_swc-8',
        checkpoint='sde',
    ),
]
