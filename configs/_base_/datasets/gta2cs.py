# SPDX-License-Identifier: Apache-2.0
# GTA5 -> Cityscapes, raw downloads (docs/data.md). Label PNGs are read as
# they come: no conversion step. Other places: GTA_ROOT, CITYSCAPES_ROOT in
# the environment.
# Configs choose their training members from the `*_train` variables.
class_view = 'cityscapes19'
source_root = '{{$GTA_ROOT:data/gta}}'
target_root = '{{$CITYSCAPES_ROOT:data/cityscapes}}'
crop_size = (512, 1024)

augmentation = [
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
]
source_resize = dict(
    type='Resize',
    scale=(1280, 720),
    keep_ratio=False,
    backend='pillow',
    interpolation='bicubic',
)
target_resize = dict(
    type='Resize',
    scale=(1024, 512),
    keep_ratio=False,
    backend='pillow',
    interpolation='bicubic',
)
source_train = dict(
    type='GTADataset',
    data_root=source_root,
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='LoadRawLabels'),
        source_resize,
        *augmentation,
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
target_train = dict(
    type='CityscapesRawDataset',
    data_root=target_root,
    split='train',
    labeled=False,
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        target_resize,
        dict(type='RandomFlip', prob=0.5),
        dict(type='MultiBranch', target=[dict(type='PackUDAInputs')]),
    ],
)
target_labeled_train = dict(
    type='CityscapesRawDataset',
    data_root=target_root,
    split='train',
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='LoadRawLabels'),
        dict(
            type='RandomResize',
            scale=(1024, 512),
            ratio_range=(1.0, 2.0),
            keep_ratio=True,
        ),
        *augmentation,
        dict(type='MultiBranch', target_labeled=[dict(type='PackUDAInputs')]),
    ],
)
# Unlabelled target images without augmentation, for statistics.
target_images = dict(
    type='CityscapesRawDataset',
    data_root=target_root,
    split='train',
    labeled=False,
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        target_resize,
        dict(type='PackUDAInputs'),
    ],
)
# Labels are loaded after the resize: scores are taken at 2048 x 1024.
test_pipeline = [
    # Also from the archives as downloaded (data_root with *.zip).
    dict(type='LoadImageFromFile', backend_args=dict(backend='zip')),
    dict(type='CheckImageFile'),
    target_resize,
    dict(type='LoadRawLabels', required=False),
    dict(type='PackUDAInputs'),
]
tta_pipeline = [
    dict(type='LoadStreetImage'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale=(w, w // 2), keep_ratio=False)
                for w in (768, 1024, 1280)
            ],
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
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CityscapesRawDataset',
        data_root=target_root,
        split='val',
        class_view=class_view,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = val_evaluator
