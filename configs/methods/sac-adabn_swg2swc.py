# SPDX-License-Identifier: Apache-2.0
# SAC without an ABN stage: from source-only weights, whose BatchNorm
# statistics are replaced by those of target images before the first
# iteration (AdaBN). Target images are drawn uniformly, one an update; the
# SAC of the demo. All stages: python tools/run_method.py sac-adabn_swg2swc
_base_ = './sac_swg2swc.py'
model = dict(target_images=1)
train_dataloader = dict(
    batch_size=3,
    sampler=dict(batch_size=3, source_ratio=[2, 1], policies=None),
)
train_cfg = dict(max_iters=200, val_interval=100)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, begin=0, end=20, by_epoch=False),
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0.0,
        begin=20,
        end=201,
        by_epoch=False,
    ),
]
default_hooks = dict(checkpoint=dict(interval=50))
custom_hooks = [
    dict(
        type='TargetBNHook',
        at_start=True,
        num_images=200,
        dataloader=dict(
            batch_size=8,
            num_workers=0,
            dataset=_base_.target_images,
        ),
    )
]
