# SPDX-License-Identifier: Apache-2.0
"""Raw label ids of every dataset: id, name, colour.

These tables hold what the label files contain before any mapping. The maps
onto training classes are in :mod:`mmseg_da.datasets.class_views`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ['RAW_LABELS', 'RawLabel']


class RawLabel(NamedTuple):
    """One entry of a dataset's label table.

    Attributes:
        id: Value in the label file, 0..255 (-1: never stored in a PNG).
        name: Name of the label, lower case.
        color: RGB colour, each channel in [0, 255].
    """

    id: int
    name: str
    color: tuple[int, int, int]


# Cordts et al., "The Cityscapes Dataset", CVPR 2016 (id -1 occurs in the
# polygon files only).
_CITYSCAPES = (
    RawLabel(-1, 'license plate', (0, 0, 142)),
    RawLabel(0, 'unlabeled', (0, 0, 0)),
    RawLabel(1, 'ego vehicle', (0, 0, 0)),
    RawLabel(2, 'rectification border', (0, 0, 0)),
    RawLabel(3, 'out of roi', (0, 0, 0)),
    RawLabel(4, 'static', (0, 0, 0)),
    RawLabel(5, 'dynamic', (111, 74, 0)),
    RawLabel(6, 'ground', (81, 0, 81)),
    RawLabel(7, 'road', (128, 64, 128)),
    RawLabel(8, 'sidewalk', (244, 35, 232)),
    RawLabel(9, 'parking', (250, 170, 160)),
    RawLabel(10, 'rail track', (230, 150, 140)),
    RawLabel(11, 'building', (70, 70, 70)),
    RawLabel(12, 'wall', (102, 102, 156)),
    RawLabel(13, 'fence', (190, 153, 153)),
    RawLabel(14, 'guard rail', (180, 165, 180)),
    RawLabel(15, 'bridge', (150, 100, 100)),
    RawLabel(16, 'tunnel', (150, 120, 90)),
    RawLabel(17, 'pole', (153, 153, 153)),
    RawLabel(18, 'polegroup', (153, 153, 153)),
    RawLabel(19, 'traffic light', (250, 170, 30)),
    RawLabel(20, 'traffic sign', (220, 220, 0)),
    RawLabel(21, 'vegetation', (107, 142, 35)),
    RawLabel(22, 'terrain', (152, 251, 152)),
    RawLabel(23, 'sky', (70, 130, 180)),
    RawLabel(24, 'person', (220, 20, 60)),
    RawLabel(25, 'rider', (255, 0, 0)),
    RawLabel(26, 'car', (0, 0, 142)),
    RawLabel(27, 'truck', (0, 0, 70)),
    RawLabel(28, 'bus', (0, 60, 100)),
    RawLabel(29, 'caravan', (0, 0, 90)),
    RawLabel(30, 'trailer', (0, 0, 110)),
    RawLabel(31, 'train', (0, 80, 100)),
    RawLabel(32, 'motorcycle', (0, 0, 230)),
    RawLabel(33, 'bicycle', (119, 11, 32)),
)

# Richter et al., "Playing for Data", ECCV 2016: the Cityscapes ids, with
# "license plate" stored as 34.
_GTA = (
    *_CITYSCAPES[1:],
    RawLabel(34, 'license plate', (0, 0, 142)),
)

# Ros et al., "The SYNTHIA Dataset", CVPR 2016 (SYNTHIA-RAND-CITYSCAPES).
# Wall and lane marking share a colour: decode ids, never colours.
_SYNTHIA = (
    RawLabel(0, 'void', (0, 0, 0)),
    RawLabel(1, 'sky', (70, 130, 180)),
    RawLabel(2, 'building', (70, 70, 70)),
    RawLabel(3, 'road', (128, 64, 128)),
    RawLabel(4, 'sidewalk', (244, 35, 232)),
    RawLabel(5, 'fence', (64, 64, 128)),
    RawLabel(6, 'vegetation', (107, 142, 35)),
    RawLabel(7, 'pole', (153, 153, 153)),
    RawLabel(8, 'car', (0, 0, 142)),
    RawLabel(9, 'traffic sign', (220, 220, 0)),
    RawLabel(10, 'pedestrian', (220, 20, 60)),
    RawLabel(11, 'bicycle', (119, 11, 32)),
    RawLabel(12, 'motorcycle', (0, 0, 230)),
    RawLabel(13, 'parking-slot', (250, 170, 160)),
    RawLabel(14, 'road-work', (128, 64, 64)),
    RawLabel(15, 'traffic light', (250, 170, 30)),
    RawLabel(16, 'terrain', (152, 251, 152)),
    RawLabel(17, 'rider', (255, 0, 0)),
    RawLabel(18, 'truck', (0, 0, 70)),
    RawLabel(19, 'bus', (0, 60, 100)),
    RawLabel(20, 'train', (0, 80, 100)),
    RawLabel(21, 'wall', (102, 102, 156)),
    RawLabel(22, 'lane marking', (102, 102, 156)),
)

# Neuhold et al., "The Mapillary Vistas Dataset", ICCV 2017; names and colours
# of release 1.2, id = position in its list. Release 1.0 shares colours
# between labels, so the palette index is the only safe key.
_MAPILLARY_V1 = (
    RawLabel(0, 'bird', (165, 42, 42)),
    RawLabel(1, 'ground animal', (0, 192, 0)),
    RawLabel(2, 'curb', (196, 196, 196)),
    RawLabel(3, 'fence', (190, 153, 153)),
    RawLabel(4, 'guard rail', (180, 165, 180)),
    RawLabel(5, 'barrier', (90, 120, 150)),
    RawLabel(6, 'wall', (102, 102, 156)),
    RawLabel(7, 'bike lane', (128, 64, 255)),
    RawLabel(8, 'crosswalk - plain', (140, 140, 200)),
    RawLabel(9, 'curb cut', (170, 170, 170)),
    RawLabel(10, 'parking', (250, 170, 160)),
    RawLabel(11, 'pedestrian area', (96, 96, 96)),
    RawLabel(12, 'rail track', (230, 150, 140)),
    RawLabel(13, 'road', (128, 64, 128)),
    RawLabel(14, 'service lane', (110, 110, 110)),
    RawLabel(15, 'sidewalk', (244, 35, 232)),
    RawLabel(16, 'bridge', (150, 100, 100)),
    RawLabel(17, 'building', (70, 70, 70)),
    RawLabel(18, 'tunnel', (150, 120, 90)),
    RawLabel(19, 'person', (220, 20, 60)),
    RawLabel(20, 'bicyclist', (255, 0, 0)),
    RawLabel(21, 'motorcyclist', (255, 0, 100)),
    RawLabel(22, 'other rider', (255, 0, 200)),
    RawLabel(23, 'lane marking - crosswalk', (200, 128, 128)),
    RawLabel(24, 'lane marking - general', (255, 255, 255)),
    RawLabel(25, 'mountain', (64, 170, 64)),
    RawLabel(26, 'sand', (230, 160, 50)),
    RawLabel(27, 'sky', (70, 130, 180)),
    RawLabel(28, 'snow', (190, 255, 255)),
    RawLabel(29, 'terrain', (152, 251, 152)),
    RawLabel(30, 'vegetation', (107, 142, 35)),
    RawLabel(31, 'water', (0, 170, 30)),
    RawLabel(32, 'banner', (255, 255, 128)),
    RawLabel(33, 'bench', (250, 0, 30)),
    RawLabel(34, 'bike rack', (100, 140, 180)),
    RawLabel(35, 'billboard', (220, 220, 220)),
    RawLabel(36, 'catch basin', (220, 128, 128)),
    RawLabel(37, 'cctv camera', (222, 40, 40)),
    RawLabel(38, 'fire hydrant', (100, 170, 30)),
    RawLabel(39, 'junction box', (40, 40, 40)),
    RawLabel(40, 'mailbox', (33, 33, 33)),
    RawLabel(41, 'manhole', (100, 128, 160)),
    RawLabel(42, 'phone booth', (142, 0, 0)),
    RawLabel(43, 'pothole', (70, 100, 150)),
    RawLabel(44, 'street light', (210, 170, 100)),
    RawLabel(45, 'pole', (153, 153, 153)),
    RawLabel(46, 'traffic sign frame', (128, 128, 128)),
    RawLabel(47, 'utility pole', (0, 0, 80)),
    RawLabel(48, 'traffic light', (250, 170, 30)),
    RawLabel(49, 'traffic sign (back)', (192, 192, 192)),
    RawLabel(50, 'traffic sign (front)', (220, 220, 0)),
    RawLabel(51, 'trash can', (140, 140, 20)),
    RawLabel(52, 'bicycle', (119, 11, 32)),
    RawLabel(53, 'boat', (150, 0, 255)),
    RawLabel(54, 'bus', (0, 60, 100)),
    RawLabel(55, 'car', (0, 0, 142)),
    RawLabel(56, 'caravan', (0, 0, 90)),
    RawLabel(57, 'motorcycle', (0, 0, 230)),
    RawLabel(58, 'on rails', (0, 80, 100)),
    RawLabel(59, 'other vehicle', (128, 64, 64)),
    RawLabel(60, 'trailer', (0, 0, 110)),
    RawLabel(61, 'truck', (0, 0, 70)),
    RawLabel(62, 'wheeled slow', (0, 0, 192)),
    RawLabel(63, 'car mount', (32, 32, 32)),
    RawLabel(64, 'ego vehicle', (120, 10, 10)),
    RawLabel(65, 'unlabeled', (0, 0, 0)),
)

# Brostow et al., "Semantic object classes in video", PRL 2009, reduced to the
# 11 classes and colours of Badrinarayanan et al., "SegNet", TPAMI 2017.
_CAMVID = (
    RawLabel(0, 'sky', (128, 128, 128)),
    RawLabel(1, 'building', (128, 0, 0)),
    RawLabel(2, 'pole', (192, 192, 128)),
    RawLabel(3, 'road', (128, 64, 128)),
    RawLabel(4, 'pavement', (60, 40, 222)),
    RawLabel(5, 'tree', (128, 128, 0)),
    RawLabel(6, 'sign', (192, 128, 128)),
    RawLabel(7, 'fence', (64, 64, 128)),
    RawLabel(8, 'car', (64, 0, 128)),
    RawLabel(9, 'pedestrian', (64, 64, 0)),
    RawLabel(10, 'bicyclist', (0, 128, 192)),
    RawLabel(11, 'unlabelled', (0, 0, 0)),
)

RAW_LABELS: Mapping[str, tuple[RawLabel, ...]] = MappingProxyType(
    {
        'cityscapes': _CITYSCAPES,
        'gta': _GTA,
        'synthia': _SYNTHIA,
        'mapillary_v1': _MAPILLARY_V1,
        'camvid': _CAMVID,
    }
)
