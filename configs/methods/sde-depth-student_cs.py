# SPDX-License-Identifier: Apache-2.0
# The depth student of SDE's label selection (exp. 211) on Cityscapes: 4k to
# 20k iterations, by the number of chosen images. Trained by
# `tools/make_artifact.py label_selection --student` (docs/methods/
# sde_selection.md); by itself it trains on all images.
# Needs the disparities of `sde-depth-phase2_cs`; others: TARGET_DISPARITY_ROOT
# and TARGET_DISPARITY_KEY in the environment.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/depth_student_r50.py',
    '../_base_/datasets/cs_video.py',
]
load_teacher = dict(
    type='LoadDisparityArtifact',
    root='{{$TARGET_DISPARITY_ROOT:artifacts}}',
    key='{{$TARGET_DISPARITY_KEY:sde-depth-phase2_cs-train-minmax8}}',
    encoding='minmax8',
    config='sde-depth-phase2_cs',
)
pack_teacher = dict(type='PackUDAInputs', pixel_keys=('disparity',))
student_train = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=False,
    class_view=_base_.class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        _base_.video_resize,
        load_teacher,
        dict(type='JointRandomFlip', prob=0.5),
        dict(type='JointRandomCrop', crop_size=_base_.crop_size),
        dict(type='MultiBranch', target=[pack_teacher]),
    ],
)
# All images, for the difficulty.
selection_images = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=False,
    class_view=_base_.class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        _base_.test_resize,
        load_teacher,
        pack_teacher,
    ],
)
train_dataloader = dict(
    batch_size=2,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=2, source_ratio=[1]),
    dataset=dict(type='DomainConcatDataset', datasets=[student_train]),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000, val_interval=4000)
optim_wrapper = {
    'constructor': 'JointOptimWrapperConstructor',
    '': dict(
        type='OptimWrapper',
        optimizer=dict(type='Adam', lr=1e-4),
        clip_grad=dict(max_norm=1e5, norm_type=2),
    ),
}
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=1e-10,
        begin=0,
        end=20001,
        by_epoch=False,
    )
]
