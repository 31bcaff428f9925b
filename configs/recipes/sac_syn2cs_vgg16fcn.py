# SPDX-License-Identifier: Apache-2.0
# SAC: baseline, statistics of its predictions on the target, adaptation.
stages = [
    dict(name='abn', kind='train', config='sac-abn_syn2cs_vgg16fcn'),
    dict(
        name='weights',
        kind='artifact',
        artifact='class_stats',
        config='sac-abn_syn2cs_vgg16fcn',
        checkpoint='abn',
    ),
    dict(
        name='sac',
        kind='train',
        config='sac_syn2cs_vgg16fcn',
        options=dict(load_from='{abn}'),
        env=dict(
            CLASS_STATS_ROOT='{weights.root}',
            CLASS_STATS_KEY='{weights.key}',
        ),
    ),
    dict(
        name='test',
        kind='test',
        config='sac_syn2cs_vgg16fcn',
        checkpoint='sac',
    ),
]
