# SPDX-License-Identifier: Apache-2.0
# DeepLab-v2 ResNet-101 as AdaptSegNet, ADVENT and IntraDA train it: two
# classifiers (on stages 3 and 4) with a discriminator each, Caffe weights
# (BGR, 0..255, mean subtracted), BatchNorm with frozen scale and shift but
# statistics of the current batch.
# The papers' own start, DeepLab_resnet_pretrained_imagenet.pth, is turned
# into a file for this net by tools/model_converters/advent.py; name it with
# --cfg-options model.segmentor.backbone.init_cfg.checkpoint=FILE. The default
# is another ResNet-101 of the same kind, not the same weights.
model = dict(
    type='ADVENT',
    data_preprocessor=dict(
        type='MultiBranchDataPreprocessor',
        data_preprocessor=dict(
            type='SegDataPreProcessor',
            mean=[104.00698793, 116.66876762, 122.67891434],
            std=[1.0, 1.0, 1.0],
            bgr_to_rgb=False,
            size=(512, 1024),
            seg_pad_val=255,
        ),
        # The source has its own size.
        branch_preprocessors=dict(
            source=dict(
                type='SegDataPreProcessor',
                mean=[104.00698793, 116.66876762, 122.67891434],
                std=[1.0, 1.0, 1.0],
                bgr_to_rgb=False,
                size=(720, 1280),
                seg_pad_val=255,
            )
        ),
    ),
    segmentor=dict(
        type='OneStepEncoderDecoder',
        backbone=dict(
            type='ResNetDeepLab',
            depth=101,
            out_indices=(2, 3),
            norm_cfg=dict(type='BN', requires_grad=False),
            norm_eval=False,
            init_cfg=dict(
                type='Pretrained',
                checkpoint='open-mmlab://detectron2/resnet101_caffe',
            ),
        ),
        decode_head=dict(
            type='DeepLabV2Head',
            in_channels=2048,
            in_index=1,
            num_classes=19,
            loss_decode=dict(type='PixelCELoss', loss_weight=1.0),
        ),
        auxiliary_head=dict(
            type='DeepLabV2Head',
            in_channels=1024,
            in_index=0,
            num_classes=19,
            loss_decode=dict(type='PixelCELoss', loss_weight=0.1),
        ),
        test_cfg=dict(mode='whole'),
    ),
    discriminators=dict(
        main=dict(type='FCDiscriminator', in_channels=19),
        aux=dict(type='FCDiscriminator', in_channels=19),
    ),
)
