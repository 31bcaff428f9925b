# SPDX-License-Identifier: Apache-2.0
# SDE with a source, without target DepthMix.
_base_ = './sde_swg2swc.py'
model = dict(target_mix='off')
