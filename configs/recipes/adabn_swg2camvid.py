# SPDX-License-Identifier: Apache-2.0
# AdaBN adapts before its test; the weights are those of source-only.
stages = [
    dict(name='train', kind='train', config='source-only_swg2camvid'),
    dict(
        name='test', kind='test', config='adabn_swg2camvid', checkpoint='train'
    ),
]
