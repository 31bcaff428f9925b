# SPDX-License-Identifier: Apache-2.0
# Depth of StreetWorld source video and its disparities.
source_stages = [
    dict(name='source-depth', kind='train', config='sde-depth_swg', seed=0),
    dict(
        name='source-disparity',
        kind='artifact',
        artifact='disparity',
        config='sde-depth_swg',
        checkpoint='source-depth',
        arguments=['--encoding', 'minmax8'],
    ),
]
source_env = dict(
    SOURCE_DISPARITY_ROOT='{source-disparity.root}',
    SOURCE_DISPARITY_KEY='{source-disparity.key}',
)
