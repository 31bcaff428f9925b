# SPDX-License-Identifier: Apache-2.0
# IntraDA after AdvEnt from SYNTHIA, 16 classes.
# As published, target labels choose the snapshots ('best'); 'last' is told
# beside it.
stages = [
    dict(name='advent', kind='train', config='advent_syn2cs'),
    dict(
        name='ranking',
        kind='artifact',
        artifact='entropy_ranking',
        config='advent_syn2cs',
        checkpoint='advent',
        selection='best',
        arguments=['--workers', '4'],
    ),
    dict(
        name='intrada',
        kind='train',
        config='intrada_syn2cs',
        env=dict(
            ENTROPY_RANKING_ROOT='{ranking.root}',
            ENTROPY_RANKING_KEY='{ranking.key}',
        ),
    ),
    dict(
        name='best',
        kind='test',
        config='intrada_syn2cs',
        checkpoint='intrada',
        selection='best',
    ),
    dict(
        name='last', kind='test', config='intrada_syn2cs', checkpoint='intrada'
    ),
]
