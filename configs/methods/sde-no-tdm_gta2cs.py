# SPDX-License-Identifier: Apache-2.0
# SDE without target DepthMix.
_base_ = './sde_gta2cs.py'
model = dict(target_mix='off')
