# SPDX-License-Identifier: Apache-2.0
from .deeplabv2_head import DeepLabV2Head
from .disparity_decoder import DecoderOutput, DisparityDecoder
from .fcn8s_head import FCN8sHead
from .joint_seg_depth_head import JointSegDepthHead
from .pad_head import MultiTaskOutput, PADHead

__all__ = [
    'DecoderOutput',
    'DeepLabV2Head',
    'DisparityDecoder',
    'FCN8sHead',
    'JointSegDepthHead',
    'MultiTaskOutput',
    'PADHead',
]
