# SPDX-License-Identifier: Apache-2.0
# SDE's segmentation network, 4 times narrower on a ResNet-18 (1/16 of the
# image), on the encoder and decoder of slim_depth.py: minutes on a laptop CPU.
norm_cfg = dict(type='BN', requires_grad=True)
# 1 / sqrt(frequency) of StreetWorld `game`, see slim_r18.py.
class_weight = [
    *(0.61, 1.73, 0.52, 4.03, 5.80, 2.55, 4.03, 4.47, 1.53, 5.80),
    *(1.00, 4.91, 3.61, 0.98, 2.78, 2.79, 5.70, 4.47, 5.80),
]
slim_decoder = dict(
    channels=(16, 16, 32, 32, 64),
    dilations=(1, 2, 3),
    aspp_norm_cfg=norm_cfg,
    dropout_ratio=0.0,
)
# Head of the multi-task network, and the loss that its depth network had.
slim_mono_loss = dict(type='MonoDepthLoss', min_depth=1.0, valid_rows=0.87)
slim_pad_head = dict(
    _delete_=True,
    type='PADHead',
    in_channels=(16, 16, 32, 64, 128),
    num_classes=19,
    decoder=slim_decoder,
    loss_decode=dict(type='PixelCELoss', class_weight=class_weight),
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
            size=(128, 128),
            seg_pad_val=255,
        ),
    ),
    segmentor=dict(
        type='EncoderDecoder',
        backbone=dict(
            type='ResNetStem',
            depth=18,
            base_channels=16,
            dilated=False,
            norm_cfg=norm_cfg,
        ),
        decode_head=dict(
            type='JointSegDepthHead',
            in_channels=(16, 16, 32, 64, 128),
            num_classes=19,
            channels=16,
            decoder=slim_decoder,
            loss_decode=dict(type='PixelCELoss', class_weight=class_weight),
        ),
        test_cfg=dict(mode='whole'),
    ),
    teacher=dict(type='FusedEMA', momentum=0.01, gamma=1, buffers='keep'),
    # Few pixels of so small a net reach the paper's 0.968.
    mixing=dict(pseudo_threshold=0.8),
)
# The disparity heads of the decoder exist for depth checkpoints only.
find_unused_parameters = True
custom_hooks = [dict(type='MeanTeacherHook')]
