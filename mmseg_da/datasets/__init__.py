# SPDX-License-Identifier: Apache-2.0
from .base_dataset import RawSegDataset
from .camvid import CamVidDataset
from .cityscapes import CityscapesRawDataset
from .cityscapes_sequence import CityscapesSequenceDataset
from .custom import CustomRawDataset
from .domain_concat import DomainConcatDataset
from .game_sequences import GTASequenceDataset, SynthiaSequenceDataset
from .gta import GTADataset
from .mapillary import MapillaryRawDataset
from .paired_geometry import PairedGeometryDataset
from .partly_labeled import PartlyLabeledDataset
from .pseudo_labeled import PseudoLabeledDataset
from .samplers import ClassCyclePolicy, MultiSourceSampler, RareClassPolicy
from .synscapes import SynscapesDataset
from .synthia import SynthiaDataset, SynthiaParsedDataset
from .transforms import (
    CheckImageFile,
    JointRandomCrop,
    JointRandomFlip,
    JointResize,
    LoadCamera,
    LoadDepth,
    LoadDisparity,
    LoadNeighbourFrames,
    LoadRawLabels,
    LoadStreetImage,
    MultiBranch,
    PackUDAInputs,
)
from .zip_backend import ZipBackend

__all__ = [
    'CamVidDataset',
    'CheckImageFile',
    'CityscapesRawDataset',
    'CityscapesSequenceDataset',
    'ClassCyclePolicy',
    'CustomRawDataset',
    'DomainConcatDataset',
    'GTADataset',
    'GTASequenceDataset',
    'JointRandomCrop',
    'JointRandomFlip',
    'JointResize',
    'LoadCamera',
    'LoadDepth',
    'LoadDisparity',
    'LoadNeighbourFrames',
    'LoadRawLabels',
    'LoadStreetImage',
    'MapillaryRawDataset',
    'MultiBranch',
    'MultiSourceSampler',
    'PackUDAInputs',
    'PairedGeometryDataset',
    'PartlyLabeledDataset',
    'PseudoLabeledDataset',
    'RareClassPolicy',
    'RawSegDataset',
    'SynscapesDataset',
    'SynthiaDataset',
    'SynthiaParsedDataset',
    'SynthiaSequenceDataset',
    'ZipBackend',
]
