# SPDX-License-Identifier: Apache-2.0
# Depth of SYNTHIA and disparities of its labelled images.
source_stages = [
    dict(name='source-depth', kind='train', config='sde-depth_syn', seed=0),
    dict(
        name='source-disparity',
        kind='artifact',
        artifact='disparity',
        config='sde-depth_syn',
        checkpoint='source-depth',
        arguments=['--encoding', 'raw16'],
    ),
]
source_env = dict(
    SOURCE_DISPARITY_ROOT='{source-disparity.root}',
    SOURCE_DISPARITY_KEY='{source-disparity.key}',
)
