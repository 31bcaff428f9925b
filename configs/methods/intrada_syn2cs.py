# SPDX-License-Identifier: Apache-2.0
# IntraDA after AdvEnt from SYNTHIA, 16 classes; the schedule is that of
# intrada_gta2cs. The ranking: python tools/make_artifact.py entropy_ranking \
#     configs/methods/advent_syn2cs.py ADVENT.pth
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/advent_r101.py',
    '../_base_/datasets/advent_syn2cs.py',
    '../_base_/datasets/easy_hard_cs.py',
    '../_base_/schedules/advent_250k.py',
]
ranking_key = '{{$ENTROPY_RANKING_KEY:advent_syn2cs}}'
images = dict(_base_.ranked_images, class_view='cityscapes16')
model = dict(
    data_preprocessor=dict(branch_preprocessors=None),
    segmentor=dict(
        decode_head=dict(num_classes=16),
        auxiliary_head=dict(num_classes=16),
    ),
    discriminators=dict(main=dict(in_channels=16), aux=dict(in_channels=16)),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='MultiSourceSampler', batch_size=2, source_ratio=[1, 1]),
    dataset=dict(
        type='DomainConcatDataset',
        datasets=[
            dict(_base_.easy_train, key=ranking_key, dataset=images),
            dict(_base_.hard_train, key=ranking_key, dataset=images),
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
                    class_view='cityscapes16',
                    meta=dict(easy_ratio=0.67, normalize=False),
                ),
            )
        ],
    )
]
default_hooks = dict(checkpoint=dict(save_best='mIoU', rule='greater'))
