# SPDX-License-Identifier: Apache-2.0
# The depth networks of SDE (dec5/dec6): dilated ResNet-101 encoder, U-Net
# decoder with ASPP, ResNet-18 pose net. 42.5 + 22.1 + 12.5 M parameters.
# torchvision:// needs the network once; offline, name local files, e.g.
# --cfg-options model.encoder.init_cfg.checkpoint=resnet101.pth
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='MonoDepth',
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
        depth=101,
        dilated=True,
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101'),
    ),
    decoder=dict(
        type='DisparityDecoder',
        in_channels=(64, 256, 512, 1024, 2048),
        channels=(64, 128, 128, 256, 256),
        dilations=(6, 12, 18),
        aspp_norm_cfg=norm_cfg,
        dropout_ratio=0.5,
    ),
    pose_net=dict(
        type='PoseNet',
        encoder=dict(
            type='ResNetStem',
            depth=18,
            in_channels=6,
            dilated=False,
            norm_cfg=norm_cfg,
            init_cfg=dict(
                type='Pretrained', checkpoint='torchvision://resnet18'
            ),
        ),
        in_channels=512,
        channels=256,
    ),
    loss=dict(type='MonoDepthLoss'),
)
