# SPDX-License-Identifier: Apache-2.0
# SDE's segmentation on CamVid: as sde_40k.py, x0.1 after 15k of 20k.
_base_ = './sde_40k.py'
train_cfg = dict(max_iters=20000)
param_scheduler = [
    dict(type='MultiStepLR', milestones=[15000], gamma=0.1, by_epoch=False)
]
