# SPDX-License-Identifier: Apache-2.0
# StreetWorld for SDE: few labelled `real` images, all of them mixed, `game`
# as the source. Make it (one line):
# python tools/make_street_world.py --out data/street_world
#   --sequence-frames 3 --truth-share 1
#   --formats gta,cityscapes,cityscapes_sequence,gta_seq
# Other places: STREET_WORLD_ROOT, {TARGET,SOURCE}_DISPARITY_{ROOT,KEY} in the
# environment.
# Configs choose members and label counts from the `*_train` variables.
_base_ = './swg2swc.py'
depth_folder = 'ground_truth/depth/train'
load_source_exact = dict(
    type='LoadExactDisparity',
    folder=_base_.source_root + '/' + depth_folder,
)
load_target_exact = dict(
    type='LoadExactDisparity',
    folder=_base_.target_root + '/' + depth_folder,
)
# Stretched like those of the target (the paper's are raw): raw ones end at
# 0.13 here, and of a cross-domain mix 6 % would be source.
load_source_learned = dict(
    type='LoadDisparityArtifact',
    root='{{$SOURCE_DISPARITY_ROOT:artifacts}}',
    key='{{$SOURCE_DISPARITY_KEY:sde-depth_swg-all-minmax8}}',
    encoding='minmax8',
    config='sde-depth_swg',
)
load_target_learned = dict(
    type='LoadDisparityArtifact',
    root='{{$TARGET_DISPARITY_ROOT:artifacts}}',
    key='{{$TARGET_DISPARITY_KEY:sde-depth-given-pose_swc-train-minmax8}}',
    encoding='minmax8',
    config='sde-depth-given-pose_swc',
)
# The size that the depth networks see.
sde_resize = dict(
    type='JointResize', scale=_base_.image_scale, keep_ratio=False
)
# Flip and crop as in the paper: half of the width, all of the height.
sde_crop = (128, 128)
sde_augment = [
    dict(type='JointRandomFlip', prob=0.5),
    dict(type='JointRandomCrop', crop_size=sde_crop),
]
pack_disparity = dict(type='PackUDAInputs', pixel_keys=('disparity',))
load_labeled = [dict(type='LoadStreetImage'), dict(type='LoadRawLabels')]

target_labeled_train = dict(
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
# The images that are mixed: labelled ones bring their labels.
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
mix_labeled_exact = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        load_target_exact,
        sde_resize,
        *sde_augment,
        dict(type='MultiBranch', target=[pack_disparity]),
    ],
)
mix_unlabeled_exact = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=False,
    class_view=_base_.class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        load_target_exact,
        sde_resize,
        *sde_augment,
        dict(type='MultiBranch', target=[pack_disparity]),
    ],
)
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
source_plain_train = dict(
    type='GTADataset',
    data_root=_base_.source_root,
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        sde_resize,
        *sde_augment,
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
source_exact_train = dict(
    type='GTADataset',
    data_root=_base_.source_root,
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        load_source_exact,
        sde_resize,
        *sde_augment,
        dict(type='MultiBranch', source=[pack_disparity]),
    ],
)
source_learned_train = dict(
    type='GTADataset',
    data_root=_base_.source_root,
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
    dict(type='BlankImage', size=_base_.image_scale),
    load_source_learned,
    *sde_augment,
]
source_exact_geometry = [
    dict(type='BlankImage'),
    load_source_exact,
    sde_resize,
    *sde_augment,
]
# Labelled video frames, for the multi-task network; the motion comes from the
# vehicle files.
target_labeled_video_train = dict(
    type='CityscapesSequenceDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=True,
    camera=True,
    vehicle=True,
    class_view=_base_.class_view,
    pipeline=[
        *load_labeled,
        dict(type='LoadNeighbourFrames'),
        dict(type='LoadCamera'),
        dict(type='LoadVehicleMotion'),
        sde_resize,
        *sde_augment,
        dict(type='BuildImagePyramid', levels=3),
        dict(
            type='MultiBranch',
            target_labeled=[
                dict(
                    type='PackUDAInputs',
                    pixel_keys=('frame_m1', 'frame_p1'),
                    tensor_keys=(
                        'intrinsics',
                        'pyramid_1',
                        'pyramid_2',
                        'pyramid_3',
                        'motion',
                    ),
                )
            ],
        ),
    ],
)
