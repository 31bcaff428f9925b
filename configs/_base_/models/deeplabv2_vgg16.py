# SPDX-License-Identifier: Apache-2.0
# DeepLab-v2 on VGG-16 with BatchNorm, 29.6 M parameters, stride 8.
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
            type='VGG16BNDeepLab',
            norm_cfg=norm_cfg,
            init_cfg=dict(
                type='Pretrained', checkpoint='torchvision://vgg16_bn'
            ),
        ),
        decode_head=dict(
            type='DeepLabV2Head',
            in_channels=1024,
            num_classes=19,
            loss_decode=dict(type='PixelCELoss'),
        ),
        test_cfg=dict(mode='whole'),
    ),
)
