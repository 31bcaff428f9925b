# SPDX-License-Identifier: Apache-2.0
# GTA5 -> Cityscapes as SAC (Araslanov & Roth, CVPR 2021) trains it: geometry
# and colours by Pillow, GTA's first 9000 frames without the 1000 of
# gta_sac_val.txt, scores at 2048 x 1024, single scale.
#
#   stage              members                                   preprocessor
#   ABN                source_train_abn, target_train_abn        abn_...
#   ABN on VGG-16      source_train_abn_vgg, target_train_abn_vgg
#   SAC                source_train, target_views_train          sac_...
#
# selection_loader(_abn): labelled training images that chose the published
# checkpoints. target_images: what the importance weights are counted on.
_base_ = './gta2cs.py'
crop_size = (512, 1024)
abn_crop_size = (640, 640)
bilinear = dict(
    type='Resize',
    keep_ratio=False,
    backend='pillow',
    interpolation='bilinear',
)
random_bilinear = dict(bilinear, type='RandomResize')

# Normalised on the device; padding is 0 there. The source gets the colour
# statistics of the target: GTA's and Cityscapes' in [0, 1], times 255.
test_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    size=crop_size,
    seg_pad_val=255,
)
target_preprocessor = dict(test_preprocessor, type='PaddedSegDataPreProcessor')
source_preprocessor = dict(
    target_preprocessor,
    source_statistics=(
        [0.481 * 255, 0.479 * 255, 0.465 * 255],
        [0.243 * 255, 0.239 * 255, 0.237 * 255],
    ),
    target_statistics=(
        [0.300 * 255, 0.344 * 255, 0.297 * 255],
        [0.175 * 255, 0.180 * 255, 0.177 * 255],
    ),
)
sac_preprocessor = dict(
    type='MultiBranchDataPreprocessor',
    data_preprocessor=test_preprocessor,
    branch_preprocessors=dict(
        source=source_preprocessor, target_views=target_preprocessor
    ),
)
abn_preprocessor = dict(
    type='MultiBranchDataPreprocessor',
    data_preprocessor=dict(test_preprocessor, size=abn_crop_size),
    branch_preprocessors=dict(
        source=dict(source_preprocessor, size=abn_crop_size),
        target=dict(target_preprocessor, size=abn_crop_size),
    ),
)

# One strength for all four; the target's jitter turns hues less.
abn_jitter = dict(
    type='PillowColorJitter',
    brightness=0.5,
    contrast=0.5,
    saturation=0.5,
    hue=0.5,
    prob=0.5,
)
abn_jitter_vgg = dict(
    type='PillowColorJitter',
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.4,
    prob=0.5,
)
flip = dict(type='RandomFlip', prob=0.5)
crop = dict(type='PaddedRandomCrop', crop_size=crop_size)
abn_crop = dict(type='PaddedRandomCrop', crop_size=abn_crop_size)
padded = dict(type='PackUDAInputs', pixel_keys=('padding_mask',))
pack_source = dict(type='MultiBranch', source=[padded])
pack_target = dict(type='MultiBranch', target=[padded])

source_images = dict(
    type='GTADataset',
    data_root=_base_.source_root,
    indices='gta_sac_train.txt',
    class_view=_base_.class_view,
)
load_source = [
    dict(type='LoadStreetImage'),
    dict(type='LoadRawLabels'),
    # Frames vary by a few pixels.
    dict(bilinear, scale=(1914, 1052)),
]
scale_source = dict(
    random_bilinear, scale=(1914, 1052), ratio_range=(0.5, 1.0)
)
scale_source_abn = dict(scale_source, ratio_range=(0.5, 2.0))
source_train = dict(
    source_images,
    _delete_=True,
    pipeline=[*load_source, scale_source, flip, crop, pack_source],
)
source_train_abn = dict(
    source_images,
    pipeline=[
        *load_source,
        scale_source_abn,
        flip,
        abn_jitter,
        abn_crop,
        pack_source,
    ],
)
source_train_abn_vgg = dict(
    source_images,
    pipeline=[
        *load_source,
        scale_source_abn,
        flip,
        abn_jitter_vgg,
        abn_crop,
        pack_source,
    ],
)

unlabeled = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=False,
    class_view=_base_.class_view,
)
scale_target_abn = dict(
    random_bilinear, scale=(2048, 1024), ratio_range=(0.5, 2.0)
)
target_train_abn = dict(
    unlabeled,
    pipeline=[
        dict(type='LoadStreetImage'),
        scale_target_abn,
        flip,
        abn_jitter,
        abn_crop,
        pack_target,
    ],
)
target_train_abn_vgg = dict(
    unlabeled,
    pipeline=[
        dict(type='LoadStreetImage'),
        scale_target_abn,
        flip,
        abn_jitter_vgg,
        abn_crop,
        pack_target,
    ],
)
target_views_train = dict(
    unlabeled,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(bilinear, scale=(1024, 512)),
        dict(random_bilinear, scale=(1024, 512), ratio_range=(1.0, 1.1)),
        crop,
        flip,
        dict(
            type='ConsistencyViews',
            num_views=4,
            zoom_range=(0.5, 1.0),
            flip_prob=0.5,
        ),
        dict(type='MultiBranch', target_views=[dict(type='PackViews')]),
    ],
)
target_images = dict(
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='PackUDAInputs'),
    ],
)

load_test = [
    # Also from the archives as downloaded (data_root with *.zip).
    dict(type='LoadImageFromFile', backend_args=dict(backend='zip')),
    dict(type='CheckImageFile'),
]
test_pipeline = [
    *load_test,
    dict(type='LoadRawLabels', required=False),
    dict(type='PackUDAInputs'),
]
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val2_images = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    indices='cityscapes_sac_val2.txt',
    class_view=_base_.class_view,
)
# Image and labels at 1024 x 512.
selection_loader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        val2_images,
        pipeline=[
            *load_test,
            dict(type='LoadRawLabels'),
            dict(bilinear, scale=(1024, 512)),
            dict(type='PredictAtInputSize'),
            dict(type='PackUDAInputs'),
        ],
    ),
)
# The middle of the full resolution.
selection_loader_abn = dict(
    selection_loader,
    dataset=dict(
        val2_images,
        pipeline=[
            *load_test,
            dict(type='LoadRawLabels'),
            dict(type='CenterCrop', crop_size=abn_crop_size),
            dict(type='PredictAtInputSize'),
            dict(type='PackUDAInputs'),
        ],
    ),
)
