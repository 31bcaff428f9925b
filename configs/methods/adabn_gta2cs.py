# SPDX-License-Identifier: Apache-2.0
# Source-only, with the BatchNorm statistics re-estimated on unlabelled target
# images (AdaBN): the control that every adaptation row must beat. Testing
# re-estimates too, so a source-only checkpoint gives this row in a minute:
# python tools/test.py configs/methods/adabn_gta2cs.py SOURCE_ONLY.pth
_base_ = './source-only_gta2cs.py'
custom_hooks = [
    dict(
        type='TargetBNHook',
        interval=4000,
        num_images=500,
        dataloader=dict(
            batch_size=2,
            num_workers=4,
            dataset=_base_.target_images,
        ),
    )
]
