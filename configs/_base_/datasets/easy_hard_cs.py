# SPDX-License-Identifier: Apache-2.0
# The halves of Cityscapes train that an entropy ranking makes, as IntraDA
# trains on them: easy images with pseudo labels are the source, hard ones the
# target, all at the size of the ranking, without augmentation. No label file
# of Cityscapes is looked for.
# Other stores: ENTROPY_RANKING_ROOT, other rankings: ENTROPY_RANKING_KEY.
ranking_root = '{{$ENTROPY_RANKING_ROOT:artifacts}}'
ranked_resize = dict(
    type='Resize',
    scale=(1024, 512),
    keep_ratio=False,
    backend='pillow',
    interpolation='bicubic',
)
ranked_images = dict(
    type='CityscapesRawDataset',
    data_root='{{$CITYSCAPES_ROOT:data/cityscapes}}',
    split='train',
    labeled=False,
    class_view='cityscapes19',
)
easy_train = dict(
    type='PseudoLabeledDataset',
    part='easy',
    root=ranking_root,
    dataset=ranked_images,
    pipeline=[
        dict(type='LoadStreetImage'),
        ranked_resize,
        dict(type='LoadPseudoLabels'),
        dict(type='MultiBranch', source=[dict(type='PackUDAInputs')]),
    ],
)
hard_train = dict(
    type='PseudoLabeledDataset',
    part='hard',
    root=ranking_root,
    dataset=ranked_images,
    pipeline=[
        dict(type='LoadStreetImage'),
        ranked_resize,
        dict(type='MultiBranch', target=[dict(type='PackUDAInputs')]),
    ],
)
