# SPDX-License-Identifier: Apache-2.0
# Depth of Cityscapes video in its three phases. All seeds share the network,
# as in the paper: one costs weeks.
depth_stages = [
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
        # As tools/train.py --amp: the paper's mixed precision.
        options={
            f'optim_wrapper.{part}.type': 'AmpOptimWrapper'
            for part in ('encoder', 'decoder', 'pose_net')
        },
        env=dict(SDE_DEPTH_PHASE1='{phase1}'),
    ),
]
disparity_stages = [
    dict(
        name='target-disparity',
        kind='artifact',
        artifact='disparity',
        config='sde-depth-phase2_cs',
        checkpoint='depth',
        arguments=['--encoding', 'minmax8'],
    ),
]
target_env = dict(
    SDE_DEPTH='{depth}',
    TARGET_DISPARITY_ROOT='{target-disparity.root}',
    TARGET_DISPARITY_KEY='{target-disparity.key}',
)
