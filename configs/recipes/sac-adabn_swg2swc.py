# SPDX-License-Identifier: Apache-2.0
# SAC from source-only weights with the target's BatchNorm statistics.
stages = [
    dict(name='source-only', kind='train', config='source-only_swg2swc'),
    dict(
        name='sac',
        kind='train',
        config='sac-adabn_swg2swc',
        options=dict(load_from='{source-only}'),
    ),
    dict(
        name='test', kind='test', config='sac-adabn_swg2swc', checkpoint='sac'
    ),
]
