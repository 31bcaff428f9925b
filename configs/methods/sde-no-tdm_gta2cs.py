# SPDX-License-Identifier: Apache-2.0
# SDE without target DepthMix.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sde_r101.py',
    '../_base_/datasets/sde_gta2cs.py',
    '../_base_/schedules/sde_40k.py',
]
labels = 'cityscapes_sde_ds_us_42.json:100'
depth_network = '{{$SDE_DEPTH:work_dirs/sde-depth-phase2_cs/iter_50000.pth}}'
model = dict(
    target_mix='off',
    cross_domain_mix='depth',
    mono_loss=dict(type='MonoDepthLoss'),
    pose_net=_base_.pose_net,
    segmentor=dict(decode_head=_base_.pad_head),
)
custom_hooks = [
    dict(type='MeanTeacherHook'),
    dict(type='DepthCollapseHook'),
    dict(
        type='DepthTransferHook',
        checkpoint=depth_network,
        config='sde-depth-phase2_cs',
        disparities=[_base_.load_target_learned, _base_.load_source_learned],
    ),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[2, 2]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[
            dict(_base_.target_labeled_video_train, indices=labels),
            dict(
                type='PairedGeometryDataset',
                ignore_top=80,
                ignore_bottom=100,
                source=_base_.source_learned_train,
                source_geometry=_base_.source_learned_geometry,
                target=dict(
                    type='PartlyLabeledDataset',
                    labeled=dict(_base_.mix_labeled_learned, indices=labels),
                    unlabeled=dict(
                        _base_.mix_unlabeled_learned, indices=f'rest:{labels}'
                    ),
                ),
            ),
        ],
    ),
)
