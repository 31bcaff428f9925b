# SPDX-License-Identifier: Apache-2.0
# As for ResNet-101, with twice the learning rate.
_base_ = './sac_r101.py'
optim_wrapper = dict(segmentor=dict(optimizer=dict(lr=5e-4)))
