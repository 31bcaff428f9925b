# SPDX-License-Identifier: Apache-2.0
# IntraDA whose ranking counts rare classes.
# As published, target labels choose the snapshots ('best'); 'last' is told
# beside it.
stages = [
    dict(name='advent', kind='train', config='advent_gta2cs'),
    dict(
        name='ranking',
        kind='artifact',
        artifact='entropy_ranking',
        config='advent_gta2cs',
        checkpoint='advent',
        selection='best',
        arguments=['--normalize', '--workers', '4'],
    ),
    dict(
        name='intrada',
        kind='train',
        config='intrada-norm_gta2cs',
        env=dict(
            ENTROPY_RANKING_ROOT='{ranking.root}',
            ENTROPY_RANKING_KEY='{ranking.key}',
        ),
    ),
    dict(
        name='best',
        kind='test',
        config='intrada-norm_gta2cs',
        checkpoint='intrada',
        selection='best',
    ),
    dict(
        name='last',
        kind='test',
        config='intrada-norm_gta2cs',
        checkpoint='intrada',
    ),
]
