# SPDX-License-Identifier: Apache-2.0
from .backbones import *  # noqa: F403
from .data_preprocessors import *  # noqa: F403
from .decode_heads import *  # noqa: F403
from .discriminators import *  # noqa: F403
from .losses import *  # noqa: F403
from .pose import *  # noqa: F403
from .segmentors import *  # noqa: F403
