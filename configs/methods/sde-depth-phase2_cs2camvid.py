# SPDX-License-Identifier: Apache-2.0
# The depth network of sde-depth-phase2_cs, trained on Cityscapes video, shown
# CamVid frames: `tools/make_artifact.py disparity` of this config.
# Another place than data/camvid: CAMVID_ROOT in the environment.
_base_ = './sde-depth-phase2_cs.py'
disparity_images = dict(
    _delete_=True,
    type='CamVidDataset',
    data_root='{{$CAMVID_ROOT:data/camvid}}',
    split='train',
    labeled=False,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(_base_.test_resize, scale=(672, 512)),
        dict(type='PackUDAInputs'),
    ],
)
