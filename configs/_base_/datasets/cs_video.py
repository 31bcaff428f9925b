# SPDX-License-Identifier: Apache-2.0
# Cityscapes video (leftImg8bit_sequence), every frame with both neighbours,
# 1024x512, crops of 512x512. Validation needs `disparity` and `camera` too
# (docs/data.md). Another place: CITYSCAPES_ROOT in the environment.
class_view = 'cityscapes19'
target_root = '{{$CITYSCAPES_ROOT:data/cityscapes}}'
image_scale = (1024, 512)
crop_size = (512, 512)

video_pack = dict(
    type='PackUDAInputs',
    pixel_keys=('frame_m1', 'frame_p1', 'clean_0', 'clean_m1', 'clean_p1'),
    tensor_keys=('intrinsics', 'pyramid_1', 'pyramid_2', 'pyramid_3'),
)
video_load = [
    dict(type='LoadStreetImage'),
    dict(type='LoadNeighbourFrames'),
    # The published code's pixel convention.
    dict(type='LoadCamera', pixel_center=0.5),
]
video_resize = dict(
    type='JointResize',
    scale=image_scale,
    keep_ratio=False,
    backend='pillow',
    interpolation='lanczos',
)
test_resize = dict(
    type='Resize',
    scale=image_scale,
    keep_ratio=False,
    backend='pillow',
    interpolation='lanczos',
)
target_train = dict(
    type='CityscapesSequenceDataset',
    data_root=target_root,
    split='train',
    frames='all',
    class_view=class_view,
    pipeline=[
        *video_load,
        video_resize,
        dict(type='JointRandomFlip', prob=0.5),
        dict(type='JointRandomCrop', crop_size=crop_size),
        dict(type='BuildImagePyramid', levels=3),
        dict(type='SequenceColorJitter'),
        # The published nets: dict(type='UseLegacyIntrinsics') here.
        dict(type='MultiBranch', target=[video_pack]),
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
        test_resize,
        dict(type='PackUDAInputs'),
    ],
)
# Truth: the stereo disparity of the benchmark, at 2048x1024.
test_pipeline = [
    dict(type='LoadStreetImage'),
    test_resize,
    dict(type='LoadDisparity', output='depth', infinite='invalid'),
    dict(type='PackUDAInputs'),
]
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
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
val_evaluator = dict(type='DepthErrors', baseline_stride=16)
test_evaluator = val_evaluator
