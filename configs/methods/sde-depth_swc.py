# SPDX-License-Identifier: Apache-2.0
# Self-supervised depth on StreetWorld `real` video, with a learned pose net:
# the setting of the paper, in minutes on one CPU core.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_depth.py',
    '../_base_/datasets/swc_video.py',
    '../_base_/schedules/slim_depth_800.py',
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(type='DomainConcatDataset', datasets=[_base_.target_train]),
)
custom_hooks = [dict(type='DepthCollapseHook')]
default_hooks = dict(checkpoint=dict(interval=200))
