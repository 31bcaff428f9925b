# SPDX-License-Identifier: Apache-2.0
# SDE's segmentation network: dilated ResNet-101 encoder, U-Net decoder with
# ASPP (dec6), 1x1 classifier at full size. Images in [0, 1].
# torchvision:// needs the network once; offline, name a local file:
# --cfg-options model.segmentor.backbone.init_cfg.checkpoint=resnet101.pth
norm_cfg = dict(type='BN', requires_grad=True)
sde_decoder = dict(
    channels=(64, 128, 128, 256, 256),
    dilations=(6, 12, 18),
    aspp_norm_cfg=norm_cfg,
    dropout_ratio=0.5,
)
# The multi-task network: this head, and a pose net.
pad_head = dict(
    _delete_=True,
    type='PADHead',
    in_channels=(64, 256, 512, 1024, 2048),
    num_classes=19,
    decoder=sde_decoder,
    loss_decode=dict(type='PixelCELoss'),
)
pose_net = dict(
    type='PoseNet',
    encoder=dict(
        type='ResNetStem',
        depth=18,
        in_channels=6,
        dilated=False,
        norm_cfg=norm_cfg,
    ),
    in_channels=512,
    channels=256,
)
model = dict(
    type='SDE',
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
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='ResNetStem',
            depth=101,
            dilated=True,
            norm_cfg=norm_cfg,
            init_cfg=dict(
                type='Pretrained', checkpoint='torchvision://resnet101'
            ),
        ),
        decode_head=dict(
            type='JointSegDepthHead',
            in_channels=(64, 256, 512, 1024, 2048),
            num_classes=19,
            decoder=sde_decoder,
            loss_decode=dict(type='PixelCELoss'),
        ),
        test_cfg=dict(mode='whole'),
    ),
    teacher=dict(type='FusedEMA', momentum=0.01, gamma=1, buffers='keep'),
)
# The disparity heads of the decoder exist for depth checkpoints only.
find_unused_parameters = True
custom_hooks = [dict(type='MeanTeacherHook')]
