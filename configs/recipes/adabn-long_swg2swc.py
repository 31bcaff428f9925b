# SPDX-License-Identifier: Apache-2.0
# The control of methods with two trainings: AdaBN after as many iterations
# on the source as ABN and SAC have together.
stages = [
    dict(
        name='train',
        kind='train',
        config='source-only_swg2swc',
        options={
            'train_cfg.max_iters': 1200,
            'train_cfg.val_interval': 400,
            'param_scheduler.1.end': 1201,
        },
    ),
    dict(name='test', kind='test', config='adabn_swg2swc', checkpoint='train'),
]
