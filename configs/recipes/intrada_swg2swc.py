# SPDX-License-Identifier: Apache-2.0
# AdvEnt, then easy and hard target images, then AdvEnt between these.
stages = [
    dict(name='advent', kind='train', config='advent_swg2swc'),
    dict(
        name='ranking',
        kind='artifact',
        artifact='entropy_ranking',
        config='advent_swg2swc',
        checkpoint='advent',
        arguments=['--batch-size', '4'],
    ),
    dict(
        name='intrada',
        kind='train',
        config='intrada_swg2swc',
        env=dict(
            ENTROPY_RANKING_ROOT='{ranking.root}',
            ENTROPY_RANKING_KEY='{ranking.key}',
        ),
    ),
    dict(
        name='test',
        kind='test',
        config='intrada_swg2swc',
        checkpoint='intrada',
    ),
]
