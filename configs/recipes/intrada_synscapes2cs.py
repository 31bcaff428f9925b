# SPDX-License-Identifier: Apache-2.0
# IntraDA after AdaptSegNet from Synscapes.
# As published, target labels choose the snapshots ('best'); 'last' is told
# beside it.
stages = [
    dict(name='adaptsegnet', kind='train', config='adaptsegnet_synscapes2cs'),
    dict(
        name='ranking',
        kind='artifact',
        artifact='entropy_ranking',
        config='adaptsegnet_synscapes2cs',
        checkpoint='adaptsegnet',
        selection='best',
        arguments=['--workers', '4'],
    ),
    dict(
        name='intrada',
        kind='train',
        config='intrada_synscapes2cs',
        env=dict(
            ENTROPY_RANKING_ROOT='{ranking.root}',
            ENTROPY_RANKING_KEY='{ranking.key}',
        ),
    ),
    dict(
        name='best',
        kind='test',
        config='intrada_synscapes2cs',
        checkpoint='intrada',
        selection='best',
    ),
    dict(
        name='last',
        kind='test',
        config='intrada_synscapes2cs',
        checkpoint='intrada',
    ),
]
