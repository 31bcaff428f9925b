# SPDX-License-Identifier: Apache-2.0
# AdaptSegNet, multi-level: discriminators on class probabilities, 150,000
# iterations. LS-GAN: --cfg-options model.gan=lsgan.
# Published AdaptSegNet weights sum two of the four branches of a classifier:
# test them with --cfg-options
# model.segmentor.decode_head.num_active_branches=2
# model.segmentor.auxiliary_head.num_active_branches=2
_base_ = './advent_gta2cs.py'
model = dict(input='prob')
train_cfg = dict(max_iters=150000)
