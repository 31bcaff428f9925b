# SPDX-License-Identifier: Apache-2.0
# GTA5 -> Cityscapes as SDE reads them: 1024x512 (Lanczos), flip, crops of
# 512x512. Disparities come from `tools/make_artifact.py disparity`, neighbour
# frames from leftImg8bit_sequence. The last 500 GTA images are left out, as
# in the paper. Other places: GTA_ROOT, CITYSCAPES_ROOT and
# {TARGET,SOURCE}_DISPARITY_{ROOT,KEY} in the environment.
_base_ = './gta2cs.py'
sde_scale = (1024, 512)
sde_crop = (512, 512)
load_source_learned = dict(
    type='LoadDisparityArtifact',
    root='{{$SOURCE_DISPARITY_ROOT:artifacts}}',
    key='{{$SOURCE_DISPARITY_KEY:sde-depth_gta-all-raw16}}',
    encoding='raw16',
    config='sde-depth_gta',
)
load_target_learned = dict(
    type='LoadDisparityArtifact',
    root='{{$TARGET_DISPARITY_ROOT:artifacts}}',
    key='{{$TARGET_DISPARITY_KEY:sde-depth-phase2_cs-train-minmax8}}',
    encoding='minmax8',
    config='sde-depth-phase2_cs',
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
pack_disparity = dict(type='PackUDAInputs', pixel_keys=('disparity',))
pack_video = dict(
    type='PackUDAInputs',
    pixel_keys=('frame_m1', 'frame_p1'),
    tensor_keys=('intrinsics', 'pyramid_1', 'pyramid_2', 'pyramid_3'),
)
load_video = [
    dict(type='LoadNeighbourFrames'),
    # The published code's pixel convention.
    dict(type='LoadCamera', pixel_center=0.5),
]

target_labeled_train = dict(
    _delete_=True,
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        sde_resize,
        *sde_augment,
        dict(type='MultiBranch', target_labeled=[dict(type='PackUDAInputs')]),
    ],
)
# Labelled video frames, for the multi-task network.
target_labeled_video_train = dict(
    type='CityscapesSequenceDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=True,
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        *load_video,
        sde_resize,
        *sde_augment,
        dict(type='BuildImagePyramid', levels=3),
        dict(type='MultiBranch', target_labeled=[pack_video]),
    ],
)
# The images that are mixed: labelled ones bring their labels.
mix_labeled_learned = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        sde_resize,
        load_target_learned,
        *sde_augment,
        dict(type='MultiBranch', target=[pack_disparity]),
    ],
)
mix_unlabeled_learned = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=False,
    class_view=_base_.class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        sde_resize,
        load_target_learned,
        *sde_augment,
        dict(type='MultiBranch', target=[pack_disparity]),
    ],
)
mix_labeled_plain = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        sde_resize,
        *sde_augment,
        dict(type='MultiBranch', target=[dict(type='PackUDAInputs')]),
    ],
)
mix_unlabeled_plain = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=False,
    class_view=_base_.class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        sde_resize,
        *sde_augment,
        dict(type='MultiBranch', target=[dict(type='PackUDAInputs')]),
    ],
)
# Video frames, for depth learned on the mixed images too (online depth).
mix_labeled_video = dict(
    type='CityscapesSequenceDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=True,
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        *load_video,
        sde_resize,
        *sde_augment,
        dict(type='BuildImagePyramid', levels=3),
        dict(type='MultiBranch', target=[pack_video]),
    ],
)
mix_unlabeled_video = dict(
    type='CityscapesSequenceDataset',
    data_root=_base_.target_root,
    split='train',
    class_view=_base_.class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        *load_video,
        sde_resize,
        *sde_augment,
        dict(type='BuildImagePyramid', levels=3),
        dict(type='MultiBranch', target=[pack_video]),
    ],
)
source_plain_train = dict(
    type='GTADataset',
    data_root=_base_.source_root,
    indices='rest:last:500',
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        sde_resize,
        *sde_augment,
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
source_learned_train = dict(
    type='GTADataset',
    data_root=_base_.source_root,
    indices='rest:last:500',
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        sde_resize,
        load_source_learned,
        *sde_augment,
        dict(type='MultiBranch', source=[pack_disparity]),
    ],
)
# What matching geometry looks at: the disparity, flipped and cropped.
source_learned_geometry = [
    dict(type='BlankImage', size=sde_scale),
    load_source_learned,
    *sde_augment,
]
# Also from the archives as downloaded (data_root with *.zip).
load_test = [
    dict(type='LoadImageFromFile', backend_args=dict(backend='zip')),
    dict(type='CheckImageFile'),
]
sde_test_resize = dict(
    type='Resize',
    scale=sde_scale,
    keep_ratio=False,
    backend='pillow',
    interpolation='lanczos',
)
# Labels are loaded after the resize: scores are taken at 2048 x 1024.
test_pipeline = [
    *load_test,
    sde_test_resize,
    dict(type='LoadRawLabels', required=False),
    dict(type='PackUDAInputs'),
]
# tools/test.py --protocol ref: the paper's scores, at 1024 x 512. Labels are
# reduced with the image (Pillow, nearest).
test_protocols = dict(
    ref=[
        *load_test,
        dict(type='LoadRawLabels', required=False),
        sde_test_resize,
        dict(type='PredictAtInputSize'),
        dict(type='PackUDAInputs'),
    ]
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
