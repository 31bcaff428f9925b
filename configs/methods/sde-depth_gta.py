# SPDX-License-Identifier: Apache-2.0
# SDE depth of the source, VIPER video (dec11): stride 32, 350k iterations;
# the pose net sees the whole frames. It sometimes collapses to constant
# depth; DepthCollapseHook then says so: start again with another seed.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/depth_r101.py',
    '../_base_/datasets/gta_video.py',
    '../_base_/schedules/depth_adam.py',
]
model = dict(
    encoder=dict(dilated=False),
    decoder=dict(channels=(16, 32, 64, 128, 256), dilations=(3, 6, 9)),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(
        type='DomainConcatDataset', datasets=[_base_.source_video_train]
    ),
)
train_cfg = dict(max_iters=350000)
custom_hooks = [dict(type='DepthCollapseHook')]
