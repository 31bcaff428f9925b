# SPDX-License-Identifier: Apache-2.0
# Self-supervised depth on StreetWorld `real` video; the motion comes from the
# vehicle files (speed, yaw rate), so depth is in metres.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_depth.py',
    '../_base_/datasets/swc_video.py',
    '../_base_/schedules/slim_depth_800.py',
]
model = dict(pose='vehicle', pose_net=None)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(
        type='DomainConcatDataset', datasets=[_base_.target_driven_train]
    ),
)
optim_wrapper = dict(
    _delete_=True,
    constructor='JointOptimWrapperConstructor',
    encoder=_base_.optim_wrapper.encoder,
    decoder=_base_.optim_wrapper.decoder,
)
custom_hooks = [dict(type='DepthCollapseHook')]
default_hooks = dict(checkpoint=dict(interval=200))
