# SPDX-License-Identifier: Apache-2.0
# StreetWorld, game -> real, with the pipelines of SAC at 256 x 128. Members
# and preprocessor as in sac_gta2cs.py; both stages crop alike, and colours
# keep their own statistics. Radii of the blur are in pixels: a quarter of
# those at 1024 x 512.
_base_ = './swg2swc.py'
image_scale = (256, 128)
crop_size = (128, 256)
random_bilinear = dict(
    type='RandomResize',
    scale=image_scale,
    keep_ratio=False,
    backend='pillow',
    interpolation='bilinear',
)
test_preprocessor = dict(
    type='SegDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    size=crop_size,
    seg_pad_val=255,
)
train_preprocessor = dict(test_preprocessor, type='PaddedSegDataPreProcessor')
sac_preprocessor = dict(
    type='MultiBranchDataPreprocessor',
    data_preprocessor=test_preprocessor,
    branch_preprocessors=dict(
        source=train_preprocessor,
        target=train_preprocessor,
        target_views=train_preprocessor,
    ),
)
abn_preprocessor = sac_preprocessor
abn_jitter = dict(
    type='PillowColorJitter',
    brightness=0.3,
    contrast=0.3,
    saturation=0.3,
    hue=0.05,
    prob=0.5,
)
flip = dict(type='RandomFlip', prob=0.5)
crop = dict(type='PaddedRandomCrop', crop_size=crop_size)
padded = dict(type='PackUDAInputs', pixel_keys=('padding_mask',))
pack_source = dict(type='MultiBranch', source=[padded])
pack_target = dict(type='MultiBranch', target=[padded])
enlarge = dict(random_bilinear, ratio_range=(1.0, 1.8))

load_source = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]
source_train = dict(
    pipeline=[*load_source, enlarge, flip, crop, pack_source],
)
source_train_abn = dict(
    _base_.source_train,
    pipeline=[*load_source, enlarge, flip, abn_jitter, crop, pack_source],
)
target_train_abn = dict(
    _base_.target_train,
    pipeline=[
        dict(type='LoadStreetImage'),
        enlarge,
        flip,
        abn_jitter,
        crop,
        pack_target,
    ],
)
target_views_train = dict(
    _base_.target_train,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(random_bilinear, ratio_range=(1.0, 1.1)),
        crop,
        flip,
        dict(
            type='ConsistencyViews',
            num_views=4,
            zoom_range=(0.5, 1.0),
            flip_prob=0.5,
            noise=[
                dict(type='PillowGaussianBlur', radius=(0.1, 0.5)),
                dict(
                    type='PillowColorJitter',
                    brightness=0.4,
                    contrast=0.4,
                    saturation=0.4,
                    hue=0.1,
                    prob=0.5,
                ),
                dict(type='PillowGreyscale', prob=0.2),
            ],
        ),
        dict(type='MultiBranch', target_views=[dict(type='PackViews')]),
    ],
)
