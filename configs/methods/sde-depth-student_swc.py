# SPDX-License-Identifier: Apache-2.0
# The depth student of SDE's label selection on StreetWorld `real`. Trained by
# `tools/make_artifact.py label_selection --student` (docs/methods/
# sde_selection.md); by itself it trains on all images.
# Needs the disparities of `sde-depth-given-pose_swc`; others:
# TARGET_DISPARITY_ROOT and TARGET_DISPARITY_KEY in the environment.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_depth_student.py',
    '../_base_/datasets/swc_video.py',
]
load_teacher = dict(
    type='LoadDisparityArtifact',
    root='{{$TARGET_DISPARITY_ROOT:artifacts}}',
    key='{{$TARGET_DISPARITY_KEY:sde-depth-given-pose_swc-train-minmax8}}',
    encoding='minmax8',
    config='sde-depth-given-pose_swc',
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
        dict(type='JointResize', scale=_base_.image_scale, keep_ratio=False),
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
        dict(type='Resize', scale=_base_.image_scale, keep_ratio=False),
        load_teacher,
        pack_teacher,
    ],
)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(type='DomainConcatDataset', datasets=[student_train]),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=300, val_interval=100)
optim_wrapper = {
    'constructor': 'JointOptimWrapperConstructor',
    '': dict(
        type='OptimWrapper',
        optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01, fused=True),
    ),
}
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0.0,
        begin=0,
        end=301,
        by_epoch=False,
    )
]
default_hooks = dict(checkpoint=dict(interval=100))
