# SPDX-License-Identifier: Apache-2.0
# SAC: GTA5 -> Cityscapes, FCN-8s VGG-16.
# 72 epochs of 1125 iterations.
# Needs the baseline and the statistics of its predictions on the target;
# `python tools/run_method.py sac_gta2cs_vgg16fcn` makes both. By hand:
#   --cfg-options load_from=ABN.pth, CLASS_STATS_ROOT and CLASS_STATS_KEY in
#   the environment (docs/methods/sac.md).
# One GPU takes 8 source images and 2 target images of 4 views. 2 GPUs:
# batch_size=5, source_ratio=[4, 1]; more cannot share the views of 2 images.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/fcn8s_vgg16.py',
    '../_base_/datasets/sac_gta2cs.py',
    '../_base_/schedules/sac_vgg16fcn.py',
]
model = dict(
    type='SAC',
    target_weight=2.0,
    lower_threshold=0.1,
    data_preprocessor=dict(_base_.sac_preprocessor, _delete_=True),
    segmentor=dict(
        decode_head=dict(
            loss_decode=dict(type='PixelCELoss', normalize='all')
        ),
    ),
)
train_cfg = dict(max_iters=81000)
train_dataloader = dict(
    batch_size=10,
    num_workers=8,
    persistent_workers=True,
    sampler=dict(
        type='MultiSourceSampler',
        batch_size=10,
        source_ratio=[8, 2],
        policies=[
            None,
            dict(
                type='ClassCyclePolicy',
                artifact_root='{{$CLASS_STATS_ROOT:artifacts}}',
                class_stats='{{$CLASS_STATS_KEY:cs-predicted}}',
                uniform_prior=0.25,
            ),
        ],
    ),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[_base_.source_train, _base_.target_views_train],
    ),
)
