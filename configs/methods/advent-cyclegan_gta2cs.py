# SPDX-License-Identifier: Apache-2.0
# AdvEnt on GTA5 images that a CycleGAN translated to the look of Cityscapes:
# <GTA_CYCLEGAN_ROOT>/images holds them under the names and in the sizes of the
# originals; the labels are the original ones. A missing image is an error.
_base_ = './advent_gta2cs.py'
translated_train = dict(
    type='GTADataset',
    data_prefix=dict(
        img_path='{{$GTA_CYCLEGAN_ROOT:data/gta_cyclegan}}/images',
        seg_map_path='{{$GTA_ROOT:data/gta}}/labels',
    ),
    every_label=True,
    class_view=_base_.class_view,
    pipeline=_base_.source_train.pipeline,
)
train_dataloader = dict(
    dataset=dict(datasets=[translated_train, _base_.target_train])
)
