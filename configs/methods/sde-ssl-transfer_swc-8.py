# SPDX-License-Identifier: Apache-2.0
# DepthMix with learned depth and 8 of 200 labels; the network starts from the
# depth network, as in `sde-ssl_swc-8`, but does not go on learning depth.
_base_ = './sde-ssl-depthmix_swc-8.py'
depth_network = (
    '{{$SDE_DEPTH:work_dirs/sde-depth-given-pose_swc/iter_800.pth}}'
)
custom_hooks = [
    dict(type='MeanTeacherHook'),
    dict(
        type='DepthTransferHook',
        checkpoint=depth_network,
        config='sde-depth-given-pose_swc',
        disparities=[_base_.load_target_learned],
    ),
]
