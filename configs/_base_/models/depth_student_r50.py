# SPDX-License-Identifier: Apache-2.0
# The depth student of SDE's label selection (dec9): dilated ResNet-50,
# decoder with BatchNorm, disparity at full size only.
# torchvision:// needs the network once; offline, name a local file:
# --student-options model.encoder.init_cfg.checkpoint=resnet50.pth
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
            size=(512, 512),
            seg_pad_val=255,
        ),
    ),
    encoder=dict(
        type='ResNetStem',
        depth=50,
        dilated=True,
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    decoder=dict(
        type='DisparityDecoder',
        in_channels=(64, 256, 512, 1024, 2048),
        channels=(64, 64, 128, 128, 256),
        dilations=(6, 12, 18),
        norm_cfg=norm_cfg,
        aspp_norm_cfg=norm_cfg,
        dropout_ratio=0.5,
        scales=(0,),
    ),
    loss=dict(type='BerHuLoss'),
)
