# SPDX-License-Identifier: Apache-2.0
# Own data in the four roles a training can give it: source, unlabelled
# target, target with few labels, validation. No Python to write: copy this
# file, change the folders and the table, and look at the result with
#   python tools/doctor.py --data docs/examples/own_data.py
#   python tools/train.py docs/examples/own_data.py
_base_ = [
    '../../configs/_base_/default_runtime.py',
    '../../configs/_base_/models/slim_r18.py',
    '../../configs/_base_/schedules/slim_800.py',
]
source_root = '{{$OWN_SOURCE_ROOT:data/own/source}}'
target_root = '{{$OWN_TARGET_ROOT:data/own/target}}'
image_scale = (256, 128)

# Own classes. To train with those of Cityscapes instead, leave `classes` and
# `palette` out and write class_view='cityscapes19' in each block.
classes = ('road', 'building', 'plant', 'sky', 'vehicle')
palette = [
    (128, 64, 128),
    (70, 70, 70),
    (107, 142, 35),
    (70, 130, 180),
    (0, 0, 142),
]
# The source has id PNGs: what each id means; None: ignore. An id that occurs
# in a file but not here is an error that names the file.
source_table = [
    *[(i, None) for i in (0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18)],
    *[(i, 'road') for i in (7, 8)],
    *[(i, 'building') for i in (11, 12, 13)],
    *[(i, None) for i in (17, 19, 20)],
    *[(i, 'plant') for i in (21, 22)],
    (23, 'sky'),
    *[(i, None) for i in (24, 25)],
    *[(i, 'vehicle') for i in range(26, 34)],
]
# The target has colour PNGs: what each RGB colour means.
target_table = [
    ((0, 0, 0), None),
    ((128, 64, 128), 'road'),
    ((70, 70, 70), 'building'),
    ((107, 142, 35), 'plant'),
    ((70, 130, 180), 'sky'),
    ((0, 0, 142), 'vehicle'),
]

augmentation = [
    dict(type='Resize', scale=image_scale, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
]
load_labelled = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]

source_train = dict(
    type='CustomRawDataset',
    dataset_name='own-source',
    data_root=source_root,
    data_prefix=dict(img_path='photos', seg_map_path='masks'),
    img_suffix='.jpg',
    seg_map_suffix='_mask.png',
    classes=classes,
    palette=palette,
    raw_labels=source_table,
    pipeline=[
        *load_labelled,
        *augmentation,
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
# Unlabelled: `labeled=False`, no label folder is needed.
target_train = dict(
    type='CustomRawDataset',
    dataset_name='own-target',
    data_root=target_root,
    data_prefix=dict(img_path='train'),
    labeled=False,
    classes=classes,
    palette=palette,
    pipeline=[
        dict(type='LoadStreetImage'),
        *augmentation,
        dict(type='MultiBranch', target=[dict(type='PackUDAInputs')]),
    ],
)
# Few labels: `ann_file` lists the labelled images, one name per line; label
# files of the others need not exist.
target_labeled_train = dict(
    type='CustomRawDataset',
    dataset_name='own-few',
    data_root=target_root,
    data_prefix=dict(img_path='train', seg_map_path='train_colors'),
    ann_file='labelled.txt',
    classes=classes,
    palette=palette,
    raw_labels=target_table,
    pipeline=[
        *load_labelled,
        *augmentation,
        dict(type='MultiBranch', target_labeled=[dict(type='PackUDAInputs')]),
    ],
)

# This run trains on the source alone. A method takes more members, e.g.
# datasets=[source_train, target_train] with source_ratio=[2, 2].
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1]),
    dataset=dict(type='DomainConcatDataset', datasets=[source_train]),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CustomRawDataset',
        dataset_name='own-val',
        data_root=target_root,
        data_prefix=dict(img_path='val', seg_map_path='val_colors'),
        classes=classes,
        palette=palette,
        raw_labels=target_table,
        pipeline=[
            dict(type='LoadStreetImage'),
            dict(type='Resize', scale=image_scale, keep_ratio=False),
            dict(type='LoadRawLabels', required=False),
            dict(type='PackUDAInputs'),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = val_evaluator
model = dict(
    segmentor=dict(
        decode_head=dict(
            num_classes=len(classes),
            # slim_r18 has weights of the 19 Cityscapes classes.
            loss_decode=dict(
                _delete_=True, type='PixelCELoss', class_weight=None
            ),
        )
    )
)
