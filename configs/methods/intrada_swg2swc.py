# SPDX-License-Identifier: Apache-2.0
# IntraDA on StreetWorld, from scratch as its AdvEnt stage; minutes on two
# cores. All stages: python tools/run_method.py intrada_swg2swc
_base_ = './advent_swg2swc.py'
ranking_root = '{{$ENTROPY_RANKING_ROOT:artifacts}}'
ranking_key = '{{$ENTROPY_RANKING_KEY:advent_swg2swc}}'
ranked_images = dict(
    type='CityscapesRawDataset',
    data_root=_base_.target_root,
    split='train',
    labeled=False,
    class_view=_base_.class_view,
)
ranked_resize = dict(type='Resize', scale=_base_.image_scale, keep_ratio=False)
easy_train = dict(
    type='PseudoLabeledDataset',
    part='easy',
    root=ranking_root,
    key=ranking_key,
    dataset=ranked_images,
    pipeline=[
        dict(type='LoadStreetImage'),
        ranked_resize,
        dict(type='LoadPseudoLabels'),
        *_base_.augmentation,
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
hard_train = dict(
    type='PseudoLabeledDataset',
    part='hard',
    root=ranking_root,
    key=ranking_key,
    dataset=ranked_images,
    pipeline=[
        dict(type='LoadStreetImage'),
        *_base_.augmentation,
        dict(type='MultiBranch', target=[dict(type='PackUDAInputs')]),
    ],
)
train_dataloader = dict(dataset=dict(datasets=[easy_train, hard_train]))
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='ArtifactCheckHook',
        root=ranking_root,
        required=[
            dict(
                kind='entropy_ranking',
                key=ranking_key,
                expect=dict(
                    class_view=_base_.class_view,
                    meta=dict(easy_ratio=0.67, normalize=False),
                ),
            )
        ],
    ),
]
