# SPDX-License-Identifier: Apache-2.0
"""Cityscapes: images, fine annotations, camera and vehicle files."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ...class_views import RAW_LABELS, get_class_view
from ..frame import LABELLED_TIME, Camera, Frame, Pose
from ..world import WorldSettings
from .base import FileJob, Files, Sample, StreetFormat
from .encoding import encode_json, encode_png
from .polygons import label_polygons
from .raw_classes import COLOR_OF_ID

__all__ = [
    'CityscapesFormat',
    'CityscapesSequenceFormat',
    'encode_disparity',
    'instance_ids',
]

_CITIES = {
    'train': (
        'aachen',
        'bremen',
        'cologne',
        'hamburg',
        'strasbourg',
        'zurich',
    ),
    'val': ('frankfurt', 'lindau', 'munster'),
    'test': ('berlin', 'bonn', 'munich'),
}
_FIRST_THING, _LAST_THING = 24, 33
_EGO_VEHICLE = 1
_METRES_PER_DEGREE = 111_320.0
_ORIGIN = (50.78, 6.11)  # latitude and longitude where every street begins


def instance_ids(label: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """Cityscapes instance map: ``id * 1000 + n`` for things, else ``id``.

    Args:
        label: uint8 ``(H, W)``, Cityscapes ids.
        instance: uint16 ``(H, W)``, 0 = no instance.

    Returns:
        uint16 ``(H, W)``; n counts the instances of one class from 0.
    """
    ids = label.astype(np.uint16)
    for thing in range(_FIRST_THING, _LAST_THING + 1):
        inside = (label == thing) & (instance > 0)
        if inside.any():
            _, order = np.unique(instance[inside], return_inverse=True)
            ids[inside] = thing * 1000 + order
    return ids


def encode_disparity(frame: Frame) -> bytes:
    """16-bit PNG with ``p = 256 d + 1``, d the disparity in pixels.

    The own vehicle is invalid (0), sky has disparity 0 (p = 1).
    """
    camera = frame.camera
    disparity = camera.baseline * camera.fx / frame.depth.astype(np.float64)
    coded = np.clip(np.rint(256 * disparity) + 1, 1, 65535)
    coded[frame.label == _EGO_VEHICLE] = 0
    return encode_png(coded.astype(np.uint16))


def _encode_color(frame: Frame) -> bytes:
    """RGBA, as the original."""
    color = COLOR_OF_ID['cityscapes'][frame.label]
    opaque = np.full((*frame.label.shape, 1), 255, np.uint8)
    return encode_png(np.concatenate([color, opaque], axis=-1))


def _encode_polygons(frame: Frame) -> bytes:
    names = {x.id: x.name for x in RAW_LABELS['cityscapes']}
    objects = [
        {'label': names[label], 'polygon': polygon}
        for label, polygon in label_polygons(frame.label, frame.instance)
    ]
    height, width = frame.label.shape
    annotation = {'imgHeight': height, 'imgWidth': width, 'objects': objects}
    # One number per line would make it ten times as large.
    return encode_json(annotation, indent=None)


def _encode_camera(frame: Frame) -> bytes:
    """Calibration in the vehicle's axes (x ahead, y left, z up)."""
    camera: Camera = frame.camera
    return encode_json(
        {
            'extrinsic': {
                'baseline': camera.baseline,
                'pitch': camera.pitch,
                'roll': 0.0,
                'x': 0.0,
                'y': 0.0,
                'yaw': 0.0,
                'z': camera.camera_height,
            },
            'intrinsic': {
                'fx': camera.fx,
                'fy': camera.fy,
                'u0': camera.cx,
                'v0': camera.cy,
            },
        }
    )


def _encode_vehicle(frame: Frame) -> bytes:
    """Vehicle state: speed in m/s, yaw rate in rad/s, GPS in degrees."""
    pose: Pose = frame.pose
    east, north = pose.matrix[0, 3], pose.matrix[2, 3]
    heading = math.degrees(math.atan2(pose.matrix[0, 2], pose.matrix[2, 2]))
    scale = _METRES_PER_DEGREE
    return encode_json(
        {
            'gpsHeading': heading % 360,
            'gpsLatitude': _ORIGIN[0] + north / scale,
            'gpsLongitude': _ORIGIN[1]
            + east / (scale * math.cos(math.radians(_ORIGIN[0]))),
            'outsideTemperature': 15.0,
            'speed': float(pose.speed),
            'yawRate': float(pose.yaw_rate),
        }
    )


def _snippet(sample: Sample) -> tuple[str, str]:
    """City and ``<city>_<sequence>`` of a sample."""
    cities = _CITIES[sample.split]
    turn, which = divmod(sample.number, len(cities))
    return cities[which], f'{cities[which]}_{turn:06d}'


def _path(package: str, sample: Sample, time: int, ending: str) -> str:
    city, snippet = _snippet(sample)
    return f'{package}/{sample.split}/{city}/{snippet}_{time:06d}_{ending}'


class CityscapesFormat(StreetFormat):
    """``leftImg8bit``, ``gtFine``, ``camera`` and ``vehicle`` by split and
    city; the test split has no annotations.
    """

    name = 'cityscapes'
    folder = 'cityscapes'
    stream = 5
    splits = ('train', 'val', 'test')
    target = True

    def stem(self, sample: Sample) -> str:
        city, snippet = _snippet(sample)
        return f'{city}/{snippet}_{LABELLED_TIME:06d}'

    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        def add(
            package: str, ending: str, encode: Callable[[Frame], bytes]
        ) -> None:
            path = _path(package, sample, LABELLED_TIME, ending)
            files[path] = FileJob(encode)

        files: Files = {}
        add('leftImg8bit', 'leftImg8bit.png', lambda f: encode_png(f.image))
        add('camera', 'camera.json', _encode_camera)
        add('vehicle', 'vehicle.json', _encode_vehicle)
        if sample.split == 'test':
            return files
        fine = {
            'labelIds.png': lambda f: encode_png(f.label),
            'instanceIds.png': lambda f: encode_png(
                instance_ids(f.label, f.instance)
            ),
            'color.png': _encode_color,
            'polygons.json': _encode_polygons,
        }
        if settings.train_ids:
            table = get_class_view('cityscapes19').lut('cityscapes')
            fine['labelTrainIds.png'] = lambda f: encode_png(table[f.label])
        for ending, encode in fine.items():
            add('gtFine', f'gtFine_{ending}', encode)
        return files


class CityscapesSequenceFormat(StreetFormat):
    """Adds ``leftImg8bit_sequence``, ``vehicle_sequence`` and ``disparity``
    to the Cityscapes folder; frame 19 of a snippet is the labelled one.
    """

    name = 'cityscapes_sequence'
    folder = 'cityscapes'
    stream = CityscapesFormat.stream
    splits = ('train', 'val', 'test')
    target = True
    requires = ('cityscapes',)
    has_truth = False

    def stem(self, sample: Sample) -> str:
        city, snippet = _snippet(sample)
        return f'{city}/{snippet}_{LABELLED_TIME:06d}'

    def dataset_files(self, sample: Sample, settings: WorldSettings) -> Files:
        files: Files = {
            _path(
                'disparity', sample, LABELLED_TIME, 'disparity.png'
            ): FileJob(encode_disparity)
        }
        for time in settings.times():
            image = _path(
                'leftImg8bit_sequence', sample, time, 'leftImg8bit.png'
            )
            files[image] = FileJob(lambda f: encode_png(f.image), time)
            state = _path('vehicle_sequence', sample, time, 'vehicle.json')
            files[state] = FileJob(_encode_vehicle, time)
        return files
