# SPDX-License-Identifier: Apache-2.0
# StreetWorld `game` as VIPER video, for the depth of the source. Its own
# format has no true depth: errors are measured on `real`, unseen in training.
_base_ = ['./swc_video.py']
source_root = '{{$STREET_WORLD_ROOT:data/street_world}}/gta'
source_video_root = '{{$STREET_WORLD_ROOT:data/street_world}}/gta_seq'

source_video_train = dict(
    type='GTASequenceDataset',
    data_root=source_video_root,
    split='train',
    # Cameras of StreetWorld differ from street to street by a few degrees;
    # this is their middle (fx / W, fy / H, cx / W, cy / H).
    intrinsics=(0.78, 1.57, 0.5, 0.5),
    class_view=_base_.class_view,
    pipeline=[
        *_base_.video_load,
        *_base_.video_augment,
        dict(type='MultiBranch', source=[_base_.video_pack]),
    ],
)
disparity_images = dict(
    _delete_=True,
    type='GTADataset',
    data_root=source_root,
    labeled=False,
    class_view=_base_.class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='Resize', scale=_base_.image_scale, keep_ratio=False),
        dict(type='PackUDAInputs'),
    ],
)
