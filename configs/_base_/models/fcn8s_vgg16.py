# SPDX-License-Identifier: Apache-2.0
# FCN-8s on VGG-16 with BatchNorm, 134.4 M parameters, output stride 8. The
# sides of an image must be divisible by 32.
# torchvision:// needs the network once; offline, name a local file:
# --cfg-options model.segmentor.backbone.init_cfg.checkpoint=vgg16_bn.pth
# Several GPUs: sync_bn='torch', so that statistics span the whole batch.
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    type='SupervisedOnly',
    data_preprocessor=dict(
        type='MultiBranchDataPreprocessor',
        data_preprocessor=dict(
            type='SegDataPreProcessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
            size=(512, 1024),
            seg_pad_val=255,
        ),
    ),
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='VGG16BN',
            norm_cfg=norm_cfg,
            init_cfg=dict(
                type='Pretrained', checkpoint='torchvision://vgg16_bn'
            ),
        ),
        decode_head=dict(
            type='FCN8sHead',
            in_channels=[256, 512, 512],
            channels=4096,
            dropout_ratio=0.1,
            num_classes=19,
            norm_cfg=norm_cfg,
            loss_decode=dict(type='PixelCELoss'),
        ),
        test_cfg=dict(mode='whole'),
    ),
)
