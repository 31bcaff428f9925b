# SPDX-License-Identifier: Apache-2.0
# Source-only, with the BatchNorm statistics re-estimated on unlabelled target
# images (AdaBN): the control that every adaptation row must beat. Testing
# re-estimates too, so a source-only checkpoint gives this row in seconds:
# python tools/test.py configs/methods/adabn_swg2swc.py SOURCE_ONLY.pth
_base_ = './source-only_swg2swc.py'
custom_hooks = [
    dict(
        type='TargetBNHook',
        interval=400,
        num_images=200,
        dataloader=dict(
            batch_size=8,
            num_workers=0,
            dataset=_base_.target_images,
        ),
    )
]
