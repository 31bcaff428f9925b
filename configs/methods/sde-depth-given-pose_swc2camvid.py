# SPDX-License-Identifier: Apache-2.0
# The depth network of sde-depth-given-pose_swc, trained on StreetWorld video,
# shown CamVid frames: `tools/make_artifact.py disparity` of this config.
# Another place than data/camvid: CAMVID_ROOT in the environment.
_base_ = './sde-depth-given-pose_swc.py'
disparity_images = dict(
    _delete_=True,
    type='CamVidDataset',
    data_root='{{$CAMVID_ROOT:data/camvid}}',
    split='train',
    labeled=False,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='Resize', scale=(256, 192), keep_ratio=False),
        dict(type='PackUDAInputs'),
    ],
)
