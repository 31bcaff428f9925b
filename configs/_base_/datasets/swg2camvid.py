# SPDX-License-Identifier: Apache-2.0
# StreetWorld `game` -> CamVid: Cityscapes ids mapped onto CamVid's 11 classes.
# Other places: STREET_WORLD_ROOT, CAMVID_ROOT in the environment.
class_view = 'camvid11'
source_root = '{{$STREET_WORLD_ROOT:data/street_world}}/gta'
target_root = '{{$CAMVID_ROOT:data/camvid}}'
crop_size = (128, 176)

augmentation = [
    dict(
        type='RandomResize',
        scale=(256, 128),
        ratio_range=(1.0, 1.8),
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
source_train = dict(
    type='GTADataset',
    data_root=source_root,
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='LoadRawLabels'),
        *augmentation,
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
target_train = dict(
    type='CamVidDataset',
    data_root=target_root,
    split='train',
    labeled=False,
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='Resize', scale=(240, 180), keep_ratio=False),
        dict(type='RandomCrop', crop_size=crop_size),
        dict(type='RandomFlip', prob=0.5),
        dict(type='MultiBranch', target=[dict(type='PackUDAInputs')]),
    ],
)
# Unlabelled target images without augmentation, for statistics.
target_images = dict(
    type='CamVidDataset',
    data_root=target_root,
    split='train',
    labeled=False,
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='Resize', scale=(240, 180), keep_ratio=False),
        dict(type='PackUDAInputs'),
    ],
)
# CamVid's labels are read after the resize: scores are taken at 480 x 360.
test_pipeline = [
    # Also from the archives as downloaded (data_root with *.zip).
    dict(type='LoadImageFromFile', backend_args=dict(backend='zip')),
    dict(type='CheckImageFile'),
    dict(type='Resize', scale=(240, 180), keep_ratio=False),
    dict(type='LoadRawLabels', required=False),
    dict(type='PackUDAInputs'),
]
tta_pipeline = [
    dict(type='LoadStreetImage'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale=(240, 180), keep_ratio=False)],
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
