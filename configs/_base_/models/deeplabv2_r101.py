# SPDX-License-Identifier: Apache-2.0
# DeepLab-v2 on ResNet-101, the network of most papers of the field.
# torchvision:// needs the network once; offline, name a local file:
# --cfg-options model.segmentor.backbone.init_cfg.checkpoint=resnet101.pth
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
            type='ResNetDeepLab',
            depth=101,
            out_indices=(3,),
            init_cfg=dict(
                type='Pretrained', checkpoint='torchvision://resnet101'
            ),
        ),
        decode_head=dict(
            type='DeepLabV2Head',
            in_channels=2048,
            num_classes=19,
            loss_decode=dict(type='PixelCELoss'),
        ),
        test_cfg=dict(mode='whole'),
    ),
)
