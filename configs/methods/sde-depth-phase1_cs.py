# SPDX-License-Identifier: Apache-2.0
# SDE depth on Cityscapes, phase 1 (dec5_crop): the encoder keeps its ImageNet
# weights (its BatchNorm statistics move), 300k iterations of 4 crops.
# The pose net starts from `sde-depth-pose_cs`; SDE_POSE_WEIGHTS names another
# file.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/depth_r101.py',
    '../_base_/datasets/cs_video.py',
    '../_base_/schedules/depth_adam.py',
]
pose_weights = (
    '{{$SDE_POSE_WEIGHTS:work_dirs/sde-depth-pose_cs/iter_300000.pth}}'
)
model = dict(
    freeze_encoder=True,
    pose_net=dict(encoder=dict(init_cfg=None)),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(type='DomainConcatDataset', datasets=[_base_.target_train]),
)
optim_wrapper = dict(
    _delete_=True,
    constructor='JointOptimWrapperConstructor',
    decoder=_base_.optim_wrapper.decoder,
    pose_net=_base_.optim_wrapper.pose_net,
)
custom_hooks = [
    dict(type='DepthCollapseHook'),
    dict(
        type='DepthTransferHook',
        checkpoint=pose_weights,
        parts=['pose_net'],
        config='sde-depth-pose_cs',
    ),
]
