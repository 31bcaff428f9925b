# SPDX-License-Identifier: Apache-2.0
# SDE depth on Cityscapes, phase 2 (dec6_crop): everything is trained at 1e-5,
# the encoder from ImageNet and kept near it by the feature distance. Decoder
# and pose net start from phase 1; SDE_DEPTH_PHASE1 names another file. The
# paper trains in mixed precision: tools/train.py --amp.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/depth_r101.py',
    '../_base_/datasets/cs_video.py',
    '../_base_/schedules/depth_adam.py',
]
phase1 = '{{$SDE_DEPTH_PHASE1:work_dirs/sde-depth-phase1_cs/iter_300000.pth}}'
model = dict(
    feature_distance=dict(loss_weight=1e-2),
    pose_net=dict(encoder=dict(init_cfg=None)),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(type='DomainConcatDataset', datasets=[_base_.target_train]),
)
train_cfg = dict(max_iters=50000, val_interval=5000)
optim_wrapper = dict(
    decoder=dict(optimizer=dict(lr=1e-5)),
    pose_net=dict(optimizer=dict(lr=1e-5)),
)
custom_hooks = [
    dict(type='DepthCollapseHook'),
    dict(
        type='DepthTransferHook',
        checkpoint=phase1,
        parts=['decoder', 'pose_net'],
        config='sde-depth-phase1_cs',
    ),
]
