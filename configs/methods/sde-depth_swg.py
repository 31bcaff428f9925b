# SPDX-License-Identifier: Apache-2.0
# Self-supervised depth on StreetWorld `game` video: the source's disparities.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_depth.py',
    '../_base_/datasets/swg_video.py',
    '../_base_/schedules/slim_depth_800.py',
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(
        type='DomainConcatDataset', datasets=[_base_.source_video_train]
    ),
)
custom_hooks = [dict(type='DepthCollapseHook')]
default_hooks = dict(checkpoint=dict(interval=200))
