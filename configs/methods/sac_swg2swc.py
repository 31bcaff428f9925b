# SPDX-License-Identifier: Apache-2.0
# SAC on StreetWorld, from the ABN baseline; minutes on two cores. The
# schedule is so short that the teacher follows every second iteration.
# All stages: python tools/run_method.py sac_swg2swc. By hand: load_from of an
# ABN checkpoint, and the statistics of its predictions (docs/methods/sac.md).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_r18.py',
    '../_base_/datasets/sac_swg2swc.py',
    '../_base_/schedules/slim_800.py',
]
model = dict(
    type='SAC',
    data_preprocessor=dict(_base_.sac_preprocessor, _delete_=True),
    teacher=dict(interval=2),
    target_weight=2.0,
    target_images=2,
)
train_dataloader = dict(
    batch_size=6,
    num_workers=0,
    sampler=dict(
        type='MultiSourceSampler',
        batch_size=6,
        source_ratio=[4, 2],
        policies=[
            None,
            dict(
                type='ClassCyclePolicy',
                artifact_root='{{$CLASS_STATS_ROOT:artifacts}}',
                class_stats='{{$CLASS_STATS_KEY:cs-predicted}}',
            ),
        ],
    ),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[_base_.source_train, _base_.target_views_train],
    ),
)
train_cfg = dict(max_iters=400, val_interval=200)
optim_wrapper = dict(segmentor=dict(optimizer=dict(lr=1e-3)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, begin=0, end=50, by_epoch=False),
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0.0,
        begin=50,
        end=401,
        by_epoch=False,
    ),
]
default_hooks = dict(checkpoint=dict(interval=100))
