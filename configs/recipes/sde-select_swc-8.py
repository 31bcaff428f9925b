# SPDX-License-Identifier: Apache-2.0
# Which 8 images to label: different in depth features, difficult
# for a depth student (the paper's choice).
_base_ = '_base_/sde_swc.py'

stages = [
    *_base_.depth_stages,
    *_base_.disparity_stages,
    dict(
        name='selection',
        kind='artifact',
        artifact='label_selection',
        config='sde-depth-given-pose_swc',
        checkpoint='depth',
        arguments=[
            '--method=diversity+difficulty',
            '--steps=4,8',
            '--seed={seed}',
            '--student',
            'configs/methods/sde-depth-student_swc.py',
        ],
        env=dict(
            TARGET_DISPARITY_ROOT='{target-disparity.root}',
            TARGET_DISPARITY_KEY='{target-disparity.key}',
        ),
    ),
    dict(
        name='segmentation',
        kind='train',
        config='sde-ssl-supervised_swc-8',
        env=dict(SDE_LABELS='{selection}/nlabels8_subset.json'),
    ),
    dict(
        name='test',
        kind='test',
        config='sde-ssl-supervised_swc-8',
        checkpoint='segmentation',
    ),
]
