# SPDX-License-Identifier: Apache-2.0
# Synscapes -> Cityscapes, 19 classes. Size assumed: no code of the papers
# says at which size Synscapes was trained on; here its own, 1440 x 720.
# Another place: SYNSCAPES_ROOT in the environment.
_base_ = './advent_gta2cs.py'
source_root = '{{$SYNSCAPES_ROOT:data/synscapes}}'
source_resize = dict(
    type='Resize',
    scale=(1440, 720),
    keep_ratio=False,
    backend='pillow',
    interpolation='bicubic',
)
source_train = dict(
    _delete_=True,
    type='SynscapesDataset',
    data_root=source_root,
    class_view=_base_.class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='LoadRawLabels'),
        source_resize,
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
