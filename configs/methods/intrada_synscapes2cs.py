# SPDX-License-Identifier: Apache-2.0
# IntraDA after AdaptSegNet from Synscapes. The ranking:
# python tools/make_artifact.py entropy_ranking \
#     configs/methods/adaptsegnet_synscapes2cs.py ADAPTSEGNET.pth
_base_ = './intrada_gta2cs.py'
ranking_key = '{{$ENTROPY_RANKING_KEY:adaptsegnet_synscapes2cs}}'
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(_base_.easy_train, key=ranking_key),
            dict(_base_.hard_train, key=ranking_key),
        ]
    )
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
