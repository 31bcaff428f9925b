# SPDX-License-Identifier: Apache-2.0
# SYNTHIA-RAND-CITYSCAPES -> Cityscapes in the 16 common classes, as ADVENT
# trains it: whole images, no augmentation. Scores: mIoU16 and mIoU13 (without
# wall, fence, pole). Another place: SYNTHIA_ROOT in the environment.
_base_ = './advent_gta2cs.py'
class_view = 'cityscapes16'
source_root = '{{$SYNTHIA_ROOT:data/synthia}}'
source_resize = dict(
    type='Resize',
    scale=(1280, 760),
    keep_ratio=False,
    backend='pillow',
    interpolation='bicubic',
)
source_train = dict(
    _delete_=True,
    type='SynthiaDataset',
    data_root=source_root,
    class_view=class_view,
    pipeline=[
        dict(type='LoadStreetImage'),
        dict(type='LoadRawLabels'),
        source_resize,
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
target_train = dict(class_view=class_view)
target_labeled_train = dict(class_view=class_view)
target_images = dict(class_view=class_view)
val_dataloader = dict(dataset=dict(class_view=class_view))
test_dataloader = dict(dataset=dict(class_view=class_view))
