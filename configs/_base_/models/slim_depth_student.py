# SPDX-License-Identifier: Apache-2.0
# The depth student, 4 times narrower on a ResNet-18, from scratch.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='DepthStudent',
    data_preprocessor=dict(
        type='MultiBranchDataPreprocessor',
        data_preprocessor=dict(
            type='SegDataPreProcessor',
            mean=[0, 0, 0],
            std=[255, 255, 255],
            bgr_to_rgb=True,
            size=(128, 256),
            seg_pad_val=255,
        ),
    ),
    encoder=dict(
        type='ResNetStem',
        depth=18,
        base_channels=16,
        dilated=False,
        norm_cfg=norm_cfg,
    ),
    decoder=dict(
        type='DisparityDecoder',
        in_channels=(16, 16, 32, 64, 128),
        channels=(16, 16, 32, 32, 64),
        dilations=(1, 2, 3),
        norm_cfg=norm_cfg,
        aspp_norm_cfg=norm_cfg,
        dropout_ratio=0.0,
        scales=(0,),
    ),
    loss=dict(type='BerHuLoss'),
)
