# SPDX-License-Identifier: Apache-2.0
# SDE's segmentation: SGD 1e-2, encoder 1e-3, pose net 1e-6, x0.1 after 30k of
# 40k iterations, global gradient norm 10.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=2500)
optim_wrapper = {
    'constructor': 'JointOptimWrapperConstructor',
    # The whole model: one gradient norm over segmentor and pose net.
    '': dict(
        type='OptimWrapper',
        optimizer=dict(type='SGD', lr=1e-2, momentum=0.9, weight_decay=5e-4),
        paramwise_cfg=dict(
            custom_keys={
                'segmentor.backbone': dict(lr_mult=0.1),
                'pose_net': dict(lr_mult=1e-4),
            }
        ),
        clip_grad=dict(max_norm=10, norm_type=2),
    ),
}
param_scheduler = [
    dict(type='MultiStepLR', milestones=[30000], gamma=0.1, by_epoch=False)
]
