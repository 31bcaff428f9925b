# SPDX-License-Identifier: Apache-2.0
# Depth of StreetWorld target video and its disparities. All seeds share the
# network, as in the paper.
depth_stages = [
    dict(
        name='depth',
        kind='train',
        config='sde-depth-given-pose_swc',
        seed=0,
    ),
]
disparity_stages = [
    dict(
        name='target-disparity',
        kind='artifact',
        artifact='disparity',
        config='sde-depth-given-pose_swc',
        checkpoint='depth',
        arguments=['--encoding', 'minmax8'],
    ),
]
target_env = dict(
    SDE_DEPTH='{depth}',
    TARGET_DISPARITY_ROOT='{target-disparity.root}',
    TARGET_DISPARITY_KEY='{target-disparity.key}',
)
