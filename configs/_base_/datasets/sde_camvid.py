# SPDX-License-Identifier: Apache-2.0
# CamVid as SDE reads it: 672x512 (Lanczos), flip, crops of 512x512; labels of
# some images, all of them mixed. CamVid has no video here: disparities come
# from a depth network of other video. Trained on `train`, watched on `val`,
# tested on `test`. Other places: CAMVID_ROOT, TARGET_DISPARITY_{ROOT,KEY} in
# the environment.
_base_ = './camvid.py'
sde_scale = (672, 512)
sde_crop = (512, 512)
load_target_learned = dict(
    type='LoadDisparityArtifact',
    root='{{$TARGET_DISPARITY_ROOT:artifacts}}',
    key='{{$TARGET_DISPARITY_KEY:sde-depth-phase2_cs2camvid-train-minmax8}}',
    encoding='minmax8',
    config='sde-depth-phase2_cs2camvid',
)
sde_resize = dict(
    type='JointResize',
    scale=sde_scale,
    keep_ratio=False,
    backend='pillow',
    interpolation='lanczos',
)
sde_augment = [
    dict(type='JointRandomFlip', prob=0.5),
    dict(type='JointRandomCrop', crop_size=sde_crop),
]
load_labeled = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]
load_unlabeled = [dict(type='LoadStreetImage')]
branch_labeled = dict(
    type='MultiBranch', target_labeled=[dict(type='PackUDAInputs')]
)
branch_plain = dict(type='MultiBranch', target=[dict(type='PackUDAInputs')])
branch_disparity = dict(
    type='MultiBranch',
    target=[dict(type='PackUDAInputs', pixel_keys=('disparity',))],
)

target_labeled_train = dict(
    pipeline=[*load_labeled, sde_resize, *sde_augment, branch_labeled],
)
# The images that are mixed: labelled ones bring their labels.
mix_labeled_plain = dict(
    type='CamVidDataset',
    data_root=_base_.target_root,
    split='train',
    class_view=_base_.class_view,
    pipeline=[*load_labeled, sde_resize, *sde_augment, branch_plain],
)
mix_unlabeled_plain = dict(
    type='CamVidDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=False,
    class_view=_base_.class_view,
    pipeline=[*load_unlabeled, sde_resize, *sde_augment, branch_plain],
)
mix_labeled_learned = dict(
    type='CamVidDataset',
    data_root=_base_.target_root,
    split='train',
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        sde_resize,
        load_target_learned,
        *sde_augment,
        branch_disparity,
    ],
)
mix_unlabeled_learned = dict(
    type='CamVidDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=False,
    class_view=_base_.class_view,
    pipeline=[
        *load_unlabeled,
        sde_resize,
        load_target_learned,
        *sde_augment,
        branch_disparity,
    ],
)
# Two labelled and two mixed images; configs choose the members.
train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[2, 2]),
    dataset=dict(type='DomainConcatDataset'),
)
test_resize = dict(
    type='Resize',
    scale=sde_scale,
    keep_ratio=False,
    backend='pillow',
    interpolation='lanczos',
)
# CamVid's labels are read after the resize: scores are taken at 480 x 360
# (the paper's at 672 x 512).
test_pipeline = [
    # Also from the archives as downloaded (data_root with *.zip).
    dict(type='LoadImageFromFile', backend_args=dict(backend='zip')),
    dict(type='CheckImageFile'),
    test_resize,
    dict(type='LoadRawLabels', required=False),
    dict(type='PackUDAInputs'),
]
tta_pipeline = [
    dict(type='LoadStreetImage'),
    dict(
        type='TestTimeAug',
        transforms=[
            [test_resize],
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [dict(type='LoadRawLabels', required=False)],
            [dict(type='PackUDAInputs')],
        ],
    ),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(split='test', pipeline=test_pipeline))
