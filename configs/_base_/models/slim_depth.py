# SPDX-License-Identifier: Apache-2.0
# The depth networks of SDE, 4 times narrower on a ResNet-18, from scratch:
# minutes on a laptop CPU. Three things differ from the paper, all because
# there are minutes and no ImageNet weights (docs/methods/sde_depth.md):
# - depth starts at 10 m in a range of 1 to 100 m, the order of a street;
# - the pose net starts from driving forwards, 0.7 m per frame. From zero
#   motion any warp is worse than none, and depth runs away to infinity;
# - the own car at the bottom takes no part in the photometric error.
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
        aspp_norm_cfg=norm_cfg,
        dropout_ratio=0.0,
        initial_disparity=0.1,
    ),
    pose_net=dict(
        type='PoseNet',
        encoder=dict(
            type='ResNetStem',
            depth=18,
            in_channels=6,
            base_channels=16,
            dilated=False,
            norm_cfg=norm_cfg,
        ),
        in_channels=128,
        channels=64,
        translation_bias=(0.0, 0.0, -0.7),
    ),
    loss=dict(type='MonoDepthLoss', min_depth=1.0, valid_rows=0.87),
)
