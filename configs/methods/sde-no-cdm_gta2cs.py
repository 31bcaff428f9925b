# SPDX-License-Identifier: Apache-2.0
# SDE without cross-domain DepthMix (exp. 262, sel_depthmix_tdm_mtl).
_base_ = './sde_gta2cs.py'
model = dict(cross_domain_mix='off')
custom_hooks = [
    dict(type='MeanTeacherHook'),
    dict(type='DepthCollapseHook'),
    dict(
        type='DepthTransferHook',
        checkpoint=_base_.depth_network,
        config='sde-depth-phase2_cs',
        disparities=[_base_.load_target_learned],
    ),
]
train_dataloader = dict(
    batch_size=6,
    sampler=dict(batch_size=6, source_ratio=[2, 2, 2]),
    dataset=dict(
        datasets=[
            dict(_base_.target_labeled_video_train, indices=_base_.labels),
            _base_.source_plain_train,
            dict(
                type='PartlyLabeledDataset',
                labeled=dict(
                    _base_.mix_labeled_learned, indices=_base_.labels
                ),
                unlabeled=dict(
                    _base_.mix_unlabeled_learned,
                    indices=f'rest:{_base_.labels}',
                ),
            ),
        ],
    ),
)
