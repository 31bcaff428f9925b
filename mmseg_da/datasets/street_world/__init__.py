# SPDX-License-Identifier: Apache-2.0
"""StreetWorld: procedural street scenes with exact ground truth."""

from .frame import (
    FRAME_RATE,
    LABELLED_TIME,
    SNIPPET_LENGTH,
    Camera,
    Frame,
    Pose,
    StreetSettings,
)
from .presets import get_domain, presets
from .render import StreetRenderer

__all__ = [
    'FRAME_RATE',
    'LABELLED_TIME',
    'SNIPPET_LENGTH',
    'Camera',
    'Frame',
    'Pose',
    'StreetRenderer',
    'StreetSettings',
    'get_domain',
    'presets',
]
