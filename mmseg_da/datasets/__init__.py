# SPDX-License-Identifier: Apache-2.0
from .base_dataset import RawSegDataset
from .camvid import CamVidDataset
from .cityscapes import CityscapesRawDataset
from .custom import CustomRawDataset
from .domain_concat import DomainConcatDataset
from .gta import GTADataset
from .mapillary import MapillaryRawDataset
from .samplers import MultiSourceSampler
from .synscapes import SynscapesDataset
from .synthia import SynthiaDataset, SynthiaParsedDataset
from .transforms import (
    CheckImageFile,
    LoadRawLabels,
    LoadStreetImage,
    MultiBranch,
    PackUDAInputs,
)

__all__ = [
    'CamVidDataset',
    'CheckImageFile',
    'CityscapesRawDataset',
    'CustomRawDataset',
    'DomainConcatDataset',
    'GTADataset',
    'LoadRawLabels',
    'LoadStreetImage',
    'MapillaryRawDataset',
    'MultiBranch',
    'MultiSourceSampler',
    'PackUDAInputs',
    'RawSegDataset',
    'SynscapesDataset',
    'SynthiaDataset',
    'SynthiaParsedDataset',
]
