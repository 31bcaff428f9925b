# SPDX-License-Identifier: Apache-2.0
# AdaptSegNet, multi-level: discriminators on class probabilities, 150,000
# iterations, a snapshot every 5,000.
# LS-GAN, on the main level alone as in its README: --cfg-options
# model.gan=lsgan model.adv_weight_main=0.01 model.adv_weight_aux=0
# model.segmentor.auxiliary_head.loss_decode.loss_weight=0
# Its code sums two of the four branches of a classifier. To train so, and to
# test published weights: --cfg-options
# model.segmentor.decode_head.num_active_branches=2
# model.segmentor.auxiliary_head.num_active_branches=2
_base_ = './advent_gta2cs.py'
model = dict(input='prob')
train_cfg = dict(max_iters=150000, val_interval=5000)
default_hooks = dict(checkpoint=dict(interval=5000))
