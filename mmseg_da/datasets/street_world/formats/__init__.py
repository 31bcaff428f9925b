# SPDX-License-Identifier: Apache-2.0
"""Writers in the raw formats of the real datasets."""

from .base import FileJob, Renderer, Sample, StreetFormat
from .camvid import CamVidFormat
from .cityscapes import CityscapesFormat, CityscapesSequenceFormat
from .gta import GTAFormat
from .gta_sequence import GTASequenceFormat
from .mapillary import MapillaryFormat
from .synscapes import SynscapesFormat
from .synthia import SynthiaFormat, SynthiaSequenceFormat

FORMATS: dict[str, StreetFormat] = {
    entry.name: entry()
    for entry in (
        GTAFormat,
        GTASequenceFormat,
        SynthiaFormat,
        SynthiaSequenceFormat,
        SynscapesFormat,
        CityscapesFormat,
        CityscapesSequenceFormat,
        MapillaryFormat,
        CamVidFormat,
    )
}

__all__ = ['FORMATS', 'FileJob', 'Renderer', 'Sample', 'StreetFormat']
