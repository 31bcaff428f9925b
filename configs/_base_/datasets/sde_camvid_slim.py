# SPDX-License-Identifier: Apache-2.0
# sde_camvid.py for slim networks: 256x192, crops of 192x192, tested on `val`.
# The disparities are those of a depth network of StreetWorld video.
_base_ = './sde_camvid.py'
sde_scale = (256, 192)
sde_crop = (192, 192)
disparity_key = (
    '{{$TARGET_DISPARITY_KEY:sde-depth-given-pose_swc2camvid-train-minmax8}}'
)
load_target_learned = dict(
    type='LoadDisparityArtifact',
    root='{{$TARGET_DISPARITY_ROOT:artifacts}}',
    key=disparity_key,
    encoding='minmax8',
    config='sde-depth-given-pose_swc2camvid',
)
_resize = dict(type='JointResize', scale=sde_scale, keep_ratio=False)
sde_augment = [
    dict(type='JointRandomFlip', prob=0.5),
    dict(type='JointRandomCrop', crop_size=sde_crop),
]
_with_disparity = [_resize, load_target_learned, *sde_augment]
target_labeled_train = dict(
    pipeline=[
        *_base_.load_labeled,
        _resize,
        *sde_augment,
        _base_.branch_labeled,
    ],
)
mix_labeled_plain = dict(
    pipeline=[
        *_base_.load_labeled,
        _resize,
        *sde_augment,
        _base_.branch_plain,
    ],
)
mix_unlabeled_plain = dict(
    pipeline=[
        *_base_.load_unlabeled,
        _resize,
        *sde_augment,
        _base_.branch_plain,
    ],
)
mix_labeled_learned = dict(
    pipeline=[
        *_base_.load_labeled,
        *_with_disparity,
        _base_.branch_disparity,
    ],
)
mix_unlabeled_learned = dict(
    pipeline=[
        *_base_.load_unlabeled,
        *_with_disparity,
        _base_.branch_disparity,
    ],
)
train_dataloader = dict(num_workers=0, persistent_workers=False)
_test_resize = dict(type='Resize', scale=sde_scale, keep_ratio=False)
test_pipeline = [
    # Also from the archives as downloaded (data_root with *.zip).
    dict(type='LoadImageFromFile', backend_args=dict(backend='zip')),
    dict(type='CheckImageFile'),
    _test_resize,
    dict(type='LoadRawLabels', required=False),
    dict(type='PackUDAInputs'),
]
tta_pipeline = [
    dict(type='LoadStreetImage'),
    dict(
        type='TestTimeAug',
        transforms=[
            [_test_resize],
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
test_dataloader = dict(dataset=dict(split='val', pipeline=test_pipeline))
