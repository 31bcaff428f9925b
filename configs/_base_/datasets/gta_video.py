# SPDX-License-Identifier: Apache-2.0
# VIPER video ("Playing for Benchmarks"), 1920x1080 -> 1024x512, for the depth
# of GTA5 images. It has no true depth: errors are measured on Cityscapes.
# Other places: GTA_SEQ_ROOT, GTA_ROOT, CITYSCAPES_ROOT in the environment.
_base_ = ['./cs_video.py']
source_root = '{{$GTA_ROOT:data/gta}}'
source_video_root = '{{$GTA_SEQ_ROOT:data/gta_seq}}'
# The pose net sees the whole frames, the depth net the crop.
source_video_pack = dict(
    type='PackUDAInputs',
    pixel_keys=('frame_m1', 'frame_p1', 'clean_0', 'clean_m1', 'clean_p1'),
    tensor_keys=(
        'intrinsics',
        'pyramid_1',
        'pyramid_2',
        'pyramid_3',
        'whole_0',
        'whole_m1',
        'whole_p1',
    ),
)
source_video_pipeline = [
    *_base_.video_load,
    _base_.video_resize,
    dict(type='JointRandomFlip', prob=0.5),
    dict(type='KeepWholeFrames'),
    dict(type='JointRandomCrop', crop_size=_base_.crop_size),
    dict(type='BuildImagePyramid', levels=3),
    dict(type='SequenceColorJitter'),
    dict(type='MultiBranch', source=[source_video_pack]),
]
source_video_train = dict(
    type='GTASequenceDataset',
    data_root=source_video_root,
    split='train',
    class_view=_base_.class_view,
    pipeline=source_video_pipeline,
)
disparity_images = dict(
    _delete_=True,
    type='GTADataset',
    data_root=source_root,
    labeled=False,
    class_view=_base_.class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        _base_.test_resize,
        dict(type='PackUDAInputs'),
    ],
)
