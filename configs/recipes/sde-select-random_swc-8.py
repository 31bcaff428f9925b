# SPDX-License-Identifier: Apache-2.0
# Which 8 images to label: at random, the seed of the run.
stages = [
    dict(
        name='selection',
        kind='artifact',
        artifact='label_selection',
        config='sde-depth-given-pose_swc',
        arguments=[
            '--member=disparity_images',
            '--method=random',
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
