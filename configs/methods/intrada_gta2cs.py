# SPDX-License-Identifier: Apache-2.0
# IntraDA, stage 3: AdvEnt from easy (pseudo labels) to hard Cityscapes images,
# from ImageNet weights again. It reads the entropy ranking of advent_gta2cs:
# python tools/make_artifact.py entropy_ranking \
#     configs/methods/advent_gta2cs.py ADVENT.pth
# All stages in one: python tools/run_method.py intrada_gta2cs
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/advent_r101.py',
    '../_base_/datasets/advent_gta2cs.py',
    '../_base_/datasets/easy_hard_cs.py',
    '../_base_/schedules/advent_250k.py',
]
ranking_key = '{{$ENTROPY_RANKING_KEY:advent_gta2cs}}'
# Both halves have the size of the model's own preprocessor.
model = dict(data_preprocessor=dict(branch_preprocessors=None))
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=2, source_ratio=[1, 1]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[
            dict(_base_.easy_train, key=ranking_key),
            dict(_base_.hard_train, key=ranking_key),
        ],
    ),
)
custom_hooks = [
    dict(
        type='ArtifactCheckHook',
        root=_base_.ranking_root,
        required=[
            dict(
                kind='entropy_ranking',
                key=ranking_key,
                expect=dict(
                    class_view='cityscapes19',
                    meta=dict(easy_ratio=0.67, normalize=False),
                ),
            )
        ],
    )
]
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
