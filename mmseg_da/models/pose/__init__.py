# SPDX-License-Identifier: Apache-2.0
from .pose_net import PoseNet

__all__ = ['PoseNet']
