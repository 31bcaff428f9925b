# SPDX-License-Identifier: Apache-2.0
"""From the bytes of depth and disparity PNGs to numbers, with every check.

No value is guessed: a file of another bit depth
or with colours is an error.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import cv2
import numpy as np

from .image_files import check_complete, parse_png_header, read_file

__all__ = [
    'StereoCamera',
    'decode_cityscapes_disparity',
    'decode_grey',
    'inverse_depth',
    'read_camera',
    'sigmoid_to_depth',
]

# SYNTHIA stores centimetres; the largest value is sky.
SYNTHIA_FAR = 65535


class StereoCamera(NamedTuple):
    """Calibration of a Cityscapes camera file.

    Attributes:
        fx: Horizontal focal length in pixels of the raw image.
        fy: Vertical focal length.
        u0: Column of the principal point.
        v0: Row of the principal point.
        baseline: Distance of the stereo cameras in metres.
    """

    fx: float
    fy: float
    u0: float
    v0: float
    baseline: float


def decode_grey(data: bytes, path: str, bits: int) -> np.ndarray:
    """Decode a single-channel PNG of a known bit depth.

    Files of three equal channels, as some SYNTHIA packages hold them, are
    accepted for 16 bits.

    Args:
        data: The bytes of the PNG.
        path: Its name, for errors.
        bits: 8 or 16.

    Returns:
        uint8 or uint16 array of shape (H, W).

    Raises:
        ValueError: Truncated, or another kind of PNG.
    """
    check_complete(data, path)
    header = parse_png_header(data, path)
    if header.bits != bits or header.kind not in ('grey', 'RGB'):
        raise ValueError(
            f'{path}: this PNG is {header}, expected {bits}-bit grey. '
            'Depth and disparity files are single-channel; a converted or '
            'colour-coded copy has lost the values. Unpack the original.'
        )
    raw = np.frombuffer(data, np.uint8)
    image = cv2.imdecode(raw, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    if image is None:
        raise ValueError(
            f'{path}: cannot be decoded. Unpack or download it again.'
        )
    if image.ndim == 3:
        if bits == 8 or (image != image[..., :1]).any():
            raise ValueError(
                f'{path}: this PNG is {header} with differing channels, '
                f'expected {bits}-bit grey. It looks like a label or colour '
                'file; check the depth folder.'
            )
        image = np.ascontiguousarray(image[..., 0])
    return image


def inverse_depth(centimetres: np.ndarray) -> np.ndarray:
    """Inverse depth 65536 / (d + 1) of DADA (Vu et al., ICCV 2019).

    Args:
        centimetres: Depth d in centimetres, any shape.

    Returns:
        float32 in (0, 65536]; 1 for d = 65535 (sky in SYNTHIA).
    """
    return (65536 / (centimetres.astype(np.float32) + 1)).astype(np.float32)


def sigmoid_to_depth(
    sigmoid: np.ndarray, min_depth: float = 0.1, max_depth: float = 100.0
) -> np.ndarray:
    """Depth of a network's sigmoid disparity (Godard et al., ICCV 2019).

    Args:
        sigmoid: Values in [0, 1].
        min_depth: Depth of 1.
        max_depth: Depth of 0.

    Returns:
        float32 depth in [min_depth, max_depth].
    """
    near, far = 1 / min_depth, 1 / max_depth
    return (1 / (far + (near - far) * sigmoid)).astype(np.float32)


def decode_cityscapes_disparity(
    values: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Disparity of a Cityscapes file.

    Args:
        values: uint16 array p of shape (H, W).

    Returns:
        float32 disparity (p - 1) / 256 in pixels of the raw image, 0 where
        invalid, and the bool validity mask p > 0.
    """
    valid = values > 0
    disparity = (values.astype(np.float32) - 1) / 256
    return np.where(valid, disparity, np.float32(0)), valid


def read_camera(path: str, backend_args: dict | None = None) -> StereoCamera:
    """Read a Cityscapes camera file.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: No JSON, or an entry is missing or not positive.
    """
    data = read_file(path, backend_args)
    try:
        content = json.loads(data)
        inner = content['intrinsic']
        camera = StereoCamera(
            *(float(inner[key]) for key in ('fx', 'fy', 'u0', 'v0')),
            float(content['extrinsic']['baseline']),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'{path}: no Cityscapes camera file ({type(error).__name__}: '
            f'{error}). Expected JSON with intrinsic.fx, fy, u0, v0 and '
            'extrinsic.baseline; unpack the camera archive again.'
        ) from error
    if min(camera.fx, camera.fy, camera.baseline) <= 0:
        raise ValueError(
            f'{path}: fx, fy and baseline must be positive, got {camera}. '
            'Unpack the camera archive again.'
        )
    return camera
