# SPDX-License-Identifier: Apache-2.0
"""Strict reading of image files: nothing damaged is taken for an image.

OpenCV decodes a truncated PNG or JPEG without complaint and leaves the rest
of the picture grey or black. These helpers look at the container first.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import cv2
import numpy as np
from mmengine import fileio

from .zip_files import read_member, split_zip_path

__all__ = [
    'PngHeader',
    'check_complete',
    'check_photograph',
    'decode_bgr',
    'parse_png_header',
    'png_size',
    'read_file',
]

_PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
_JPEG_SIGNATURE = b'\xff\xd8\xff'
_COLOR_TYPES = {
    0: 'grey',
    2: 'RGB',
    3: 'palette',
    4: 'grey with alpha',
    6: 'RGBA',
}


class PngHeader(NamedTuple):
    """What the IHDR chunk of a PNG says.

    Attributes:
        width: Pixels.
        height: Pixels.
        bits: Bits per channel: 1, 2, 4, 8 or 16.
        kind: 'grey', 'RGB', 'palette', 'grey with alpha' or 'RGBA'.
    """

    width: int
    height: int
    bits: int
    kind: str

    def __str__(self) -> str:
        return f'{self.bits}-bit {self.kind}'


def read_file(path: str, backend_args: dict | None = None) -> bytes:
    """Read a file through mmengine's file backends.

    A path may lead through a zip archive, see
    :mod:`mmseg_da.datasets.zip_files`.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: The file is empty.
    """
    place = None if backend_args else split_zip_path(path)
    if place is not None:
        return _not_empty(read_member(*place), path)
    try:
        data = fileio.get(path, backend_args=backend_args)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{path}: no such file. Was it moved or deleted after the '
            'dataset was listed? Unpack the archive again.'
        ) from error
    return _not_empty(bytes(data), path)


def _not_empty(data: bytes, path: str) -> bytes:
    if not data:
        raise ValueError(
            f'{path}: the file is empty (0 bytes). Unpack or copy it again.'
        )
    return data


def parse_png_header(data: bytes, path: str) -> PngHeader:
    """Read the header of a PNG held in memory.

    Raises:
        ValueError: The data are no PNG.
    """
    if not data.startswith(_PNG_SIGNATURE) or len(data) < 33:
        raise ValueError(
            f'{path}: not a PNG file (it starts with {data[:8]!r}). Labels '
            'must be PNG: a JPEG cannot hold label ids. Check '
            'seg_map_suffix and the label folder.'
        )
    width, height, bits, kind = struct.unpack('>IIBB', data[16:26])
    return PngHeader(width, height, bits, _COLOR_TYPES.get(kind, 'unknown'))


def png_size(path: str) -> tuple[int, int]:
    """Height and width of a PNG, from its first 33 bytes."""
    place = split_zip_path(path)
    if place is not None:
        header = parse_png_header(read_member(*place), path)
        return header.height, header.width
    with open(path, 'rb') as file:
        header = parse_png_header(file.read(33), path)
    return header.height, header.width


def check_complete(data: bytes, path: str) -> None:
    """Raise if a PNG or JPEG is truncated or a PNG is damaged.

    Every PNG chunk's checksum is verified and the end chunk must be there; a
    JPEG must hold its end marker after the last scan. Other formats pass.

    Raises:
        ValueError: Names the file, what is wrong and what to do.
    """
    fault = None
    if data.startswith(_PNG_SIGNATURE):
        fault = _png_fault(data)
    elif data.startswith(_JPEG_SIGNATURE):
        scan = data.rfind(b'\xff\xda')
        if scan < 0 or data.find(b'\xff\xd9', scan) < 0:
            fault = 'its end marker is missing'
    if fault:
        raise ValueError(
            f'{path}: truncated or damaged image, {fault} '
            f'({len(data)} bytes on disk). Unpack or download this file '
            'again.'
        )


def _png_fault(data: bytes) -> str | None:
    view = memoryview(data)
    position = len(_PNG_SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from('>I', data, position)
        end = position + 12 + length
        if end > len(data):
            break
        kind = bytes(view[position + 4 : position + 8])
        (checksum,) = struct.unpack_from('>I', data, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != checksum:
            return f'the checksum of a {kind.decode("latin1")} part is wrong'
        if kind == b'IEND':
            return None
        position = end
    return 'it ends before its end mark'


def decode_bgr(data: bytes, path: str) -> np.ndarray:
    """Decode an image as 8-bit BGR.

    The stored pixels are returned as they are: an EXIF orientation is not
    applied, because label files carry none.

    Returns:
        uint8 array of shape (H, W, 3).

    Raises:
        ValueError: Truncated, damaged, not an image, or a palette PNG.
    """
    check_photograph(data, path)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise ValueError(
            f'{path}: cannot be decoded as an image (it starts with '
            f'{data[:8]!r}). Expected PNG or JPEG; check img_suffix or '
            'unpack this file again.'
        )
    return image


def check_photograph(data: bytes, path: str) -> None:
    """Raise if a file is damaged or a PNG of the form of labels or depth.

    Raises:
        ValueError: Truncated, damaged, a palette PNG or a 16-bit PNG.
    """
    check_complete(data, path)
    if data.startswith(_PNG_SIGNATURE):
        header = parse_png_header(data, path)
        if header.kind == 'palette':
            raise ValueError(
                f'{path}: this PNG is {header}, the form of label files, not '
                'of photographs. Are image and label folder mixed up, or was '
                'a label archive unpacked here? (Real palette images have to '
                'be converted to RGB.)'
            )
        if header.bits == 16:
            raise ValueError(
                f'{path}: this PNG is {header}; photographs have 8 bits. It '
                'looks like SYNTHIA labels or depth: are the folders mixed '
                'up, or was another archive unpacked here?'
            )
