# SPDX-License-Identifier: Apache-2.0
# Source-only, with the BatchNorm statistics re-estimated on unlabelled CamVid
# frames (AdaBN). A source-only checkpoint gives this row in seconds:
# python tools/test.py configs/methods/adabn_swg2camvid.py SOURCE_ONLY.pth
_base_ = './source-only_swg2camvid.py'
custom_hooks = [
    dict(
        type='TargetBNHook',
        interval=400,
        num_images=100,
        dataloader=dict(
            batch_size=4,
            num_workers=0,
            dataset=_base_.target_images,
        ),
    )
]
