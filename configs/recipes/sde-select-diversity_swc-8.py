# SPDX-License-Identifier: Apache-2.0
# Which 8 images to label: those that differ in depth features.
_base_ = '_base_/sde_swc.py'

stages = [
    *_base_.depth_stages,
    dict(
        name='selection',
        kind='artifact',
        artifact='label_selection',
        config='sde-depth-given-pose_swc',
        checkpoint='depth',
        arguments=[
            '--method=diversity',
            '--steps=4,8',
            '--seed={seed}',
        ],
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
