# SPDX-License-Identifier: Apache-2.0
# SYNTHIA video (SEQS-01 to 06), 1280x760 -> 1024x512, for the depth of
# SYNTHIA-RAND-CITYSCAPES, on whose last 500 images, with their true depth,
# it is validated. Other places: SYNTHIA_SEQ_ROOT, SYNTHIA_ROOT.
_base_ = ['./gta_video.py']
synthia_root = '{{$SYNTHIA_ROOT:data/synthia}}'
synthia_video_root = '{{$SYNTHIA_SEQ_ROOT:data/synthia_seq}}'

source_video_train = dict(
    _delete_=True,
    type='SynthiaSequenceDataset',
    data_root=synthia_video_root,
    class_view='cityscapes19',
    pipeline=_base_.source_video_pipeline,
)
disparity_images = dict(
    _delete_=True,
    type='SynthiaDataset',
    data_root=synthia_root,
    labeled=False,
    class_view='cityscapes19',
    pipeline=[
        dict(type='LoadStreetImage'),
        _base_.test_resize,
        dict(type='PackUDAInputs'),
    ],
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SynthiaDataset',
        data_root=synthia_root,
        labeled=False,
        depth=True,
        indices='last:500',
        class_view='cityscapes19',
        pipeline=[
            dict(type='LoadStreetImage'),
            _base_.test_resize,
            dict(type='LoadDepth'),
            dict(type='PackUDAInputs'),
        ],
    ),
)
test_dataloader = val_dataloader
