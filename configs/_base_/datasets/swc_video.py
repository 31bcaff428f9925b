# SPDX-License-Identifier: Apache-2.0
# StreetWorld `real` as Cityscapes video, for self-supervised depth. Make it:
# python tools/make_street_world.py --out data/street_world --sequence-frames 3
#   --formats gta,cityscapes,cityscapes_sequence,gta_seq
# (one line). Another place: STREET_WORLD_ROOT=... in the environment.
class_view = 'cityscapes19'
target_root = '{{$STREET_WORLD_ROOT:data/street_world}}/cityscapes'
image_scale = (256, 128)
crop_size = (128, 256)

video_pack = dict(
    type='PackUDAInputs',
    pixel_keys=('frame_m1', 'frame_p1', 'clean_0', 'clean_m1', 'clean_p1'),
    tensor_keys=('intrinsics', 'pyramid_1', 'pyramid_2', 'pyramid_3'),
)
vehicle_pack = dict(
    type='PackUDAInputs',
    pixel_keys=('frame_m1', 'frame_p1', 'clean_0', 'clean_m1', 'clean_p1'),
    tensor_keys=(
        'intrinsics',
        'pyramid_1',
        'pyramid_2',
        'pyramid_3',
        'motion',
        'travel',
    ),
)
video_load = [
    dict(type='LoadStreetImage'),
    dict(type='LoadNeighbourFrames'),
    dict(type='LoadCamera'),
]
video_augment = [
    dict(type='JointResize', scale=image_scale, keep_ratio=False),
    dict(type='JointRandomFlip', prob=0.5),
    dict(type='JointRandomCrop', crop_size=crop_size),
    dict(type='BuildImagePyramid', levels=3),
    dict(type='SequenceColorJitter'),
]
target_train = dict(
    type='CityscapesSequenceDataset',
    data_root=target_root,
    split='train',
    camera=True,
    class_view=class_view,
    pipeline=[
        *video_load,
        *video_augment,
        dict(type='MultiBranch', target=[video_pack]),
    ],
)
# With the motion from the vehicle files.
target_driven_train = dict(
    type='CityscapesSequenceDataset',
    data_root=target_root,
    split='train',
    camera=True,
    vehicle=True,
    class_view=class_view,
    pipeline=[
        *video_load,
        dict(type='LoadVehicleMotion'),
        *video_augment,
        dict(type='MultiBranch', target=[vehicle_pack]),
    ],
)
# What `tools/make_artifact.py disparity` predicts: --split train or val.
disparity_images = dict(
    type='CityscapesRawDataset',
    data_root=target_root,
    split='train',
    labeled=False,
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='Resize', scale=image_scale, keep_ratio=False),
        dict(type='PackUDAInputs'),
    ],
)
# Truth: the stereo disparity of the Cityscapes format, exact here.
test_pipeline = [
    dict(type='LoadStreetImage'),
    dict(type='Resize', scale=image_scale, keep_ratio=False),
    dict(type='LoadDisparity', output='depth', infinite='invalid'),
    dict(type='PackUDAInputs'),
]
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CityscapesSequenceDataset',
        data_root=target_root,
        split='val',
        frame_offsets=(0,),
        disparity=True,
        camera=True,
        class_view=class_view,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='DepthErrors')
test_evaluator = val_evaluator
