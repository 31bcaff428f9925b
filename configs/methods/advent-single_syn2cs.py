# SPDX-License-Identifier: Apache-2.0
# AdvEnt from SYNTHIA with the main classifier alone: the AdvEnt baseline of
# the DADA repository.
_base_ = './advent_syn2cs.py'
model = dict(
    segmentor=dict(
        backbone=dict(out_indices=(3,)),
        decode_head=dict(in_index=0),
        auxiliary_head=None,
    ),
    discriminators=dict(
        _delete_=True, main=dict(type='FCDiscriminator', in_channels=16)
    ),
)
