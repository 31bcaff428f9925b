# SPDX-License-Identifier: Apache-2.0
# ABN, its predictions on the target counted per class and image, then SAC
# on images drawn for their classes.
stages = [
    dict(name='abn', kind='train', config='sac-abn_swg2swc'),
    dict(
        name='weights',
        kind='artifact',
        artifact='class_stats',
        config='sac-abn_swg2swc',
        checkpoint='abn',
    ),
    dict(
        name='sac',
        kind='train',
        config='sac_swg2swc',
        options=dict(load_from='{abn}'),
        env=dict(
            CLASS_STATS_ROOT='{weights.root}',
            CLASS_STATS_KEY='{weights.key}',
        ),
    ),
    dict(name='test', kind='test', config='sac_swg2swc', checkpoint='sac'),
]
