# SPDX-License-Identifier: Apache-2.0
# SDE with a source, without target DepthMix.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/slim_sde.py',
    '../_base_/datasets/sde_swg2swc.py',
    '../_base_/schedules/slim_sde_800.py',
]
depth_network = (
    '{{$SDE_DEPTH:work_dirs/sde-depth-given-pose_swc/iter_800.pth}}'
)
labels = 'fraction:1/25:seed42'
model = dict(
    target_mix='off',
    cross_domain_mix='depth',
    mono_loss=_base_.slim_mono_loss,
    segmentor=dict(decode_head=_base_.slim_pad_head),
)
custom_hooks = [
    dict(type='MeanTeacherHook'),
    dict(type='DepthCollapseHook'),
    dict(
        type='DepthTransferHook',
        checkpoint=depth_network,
        config='sde-depth-given-pose_swc',
        disparities=[_base_.load_target_learned, _base_.load_source_learned],
    ),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[2, 2]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[
            dict(_base_.target_labeled_video_train, indices=labels),
            dict(
                type='PairedGeometryDataset',
                # The paper's 80 and 100 of 512 rows.
                ignore_top=20,
                ignore_bottom=25,
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
default_hooks = dict(checkpoint=dict(interval=200))
