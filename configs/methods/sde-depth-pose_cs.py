# SPDX-License-Identifier: Apache-2.0
# SDE depth on Cityscapes, stage 0 (dec5): whole images, frozen encoder; the
# pose net of `sde-depth-phase1_cs` starts from its result.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/depth_r101.py',
    '../_base_/datasets/cs_video.py',
    '../_base_/schedules/depth_adam.py',
]
model = dict(
    freeze_encoder=True,
    data_preprocessor=dict(data_preprocessor=dict(size=(512, 1024))),
)
target_train = dict(
    pipeline=[
        *_base_.video_load,
        _base_.video_resize,
        dict(type='JointRandomFlip', prob=0.5),
        dict(type='BuildImagePyramid', levels=3),
        dict(type='SequenceColorJitter'),
        dict(type='MultiBranch', target=[_base_.video_pack]),
    ]
)
train_dataloader = dict(
    batch_size=2,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=2, source_ratio=[1]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[{**_base_.target_train, **target_train}],
    ),
)
optim_wrapper = dict(
    _delete_=True,
    constructor='JointOptimWrapperConstructor',
    decoder=_base_.optim_wrapper.decoder,
    pose_net=_base_.optim_wrapper.pose_net,
)
custom_hooks = [dict(type='DepthCollapseHook')]
