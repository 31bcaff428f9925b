# SPDX-License-Identifier: Apache-2.0
# CamVid in the SegNet layout (480 x 360 frames, 11 classes).
# Another place than data/camvid: CAMVID_ROOT=... in the environment.
class_view = 'camvid11'
target_root = '{{$CAMVID_ROOT:data/camvid}}'
crop_size = (192, 256)

augmentation = [
    dict(
        type='RandomResize',
        scale=(320, 240),
        ratio_range=(0.8, 1.5),
        keep_ratio=False,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='PhotoMetricDistortion',
        brightness_delta=16,
        contrast_range=(0.8, 1.2),
        saturation_range=(0.8, 1.2),
        hue_delta=6,
    ),
]
target_labeled_train = dict(
    type='CamVidDataset',
    data_root=target_root,
    split='train',
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='LoadRawLabels'),
        *augmentation,
        dict(type='MultiBranch', target_labeled=[dict(type='PackUDAInputs')]),
    ],
)
# CamVid's labels are read after the resize: scores are taken at 480 x 360.
test_pipeline = [
    # Also from the archives as downloaded (data_root with *.zip).
    dict(type='LoadImageFromFile', backend_args=dict(backend='zip')),
    dict(type='CheckImageFile'),
    dict(type='Resize', scale=(320, 240), keep_ratio=False),
    dict(type='LoadRawLabels', required=False),
    dict(type='PackUDAInputs'),
]
tta_pipeline = [
    dict(type='LoadStreetImage'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale=(320, 240), keep_ratio=False)],
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [dict(type='LoadRawLabels', required=False)],
            [dict(type='PackUDAInputs')],
        ],
    ),
]
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CamVidDataset',
        data_root=target_root,
        split='val',
        class_view=class_view,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = val_evaluator
