# SPDX-License-Identifier: Apache-2.0
"""Confusion matrices as text, for JSON files."""

from __future__ import annotations

import base64
import binascii
import zlib

import numpy as np


def encode_confusion(matrix: np.ndarray) -> str:
    """Pack a matrix: little-endian int64, row by row, zlib, base64.

    Args:
        matrix: Integers (C, C).
    """
    content = np.ascontiguousarray(matrix, dtype='<i8').tobytes()
    return base64.b64encode(zlib.compress(content, 9)).decode('ascii')


def decode_confusion(text: str, num_classes: int) -> np.ndarray:
    """Unpack what :func:`encode_confusion` gave.

    Args:
        text: Base64 text.
        num_classes: Number of classes C.

    Returns:
        int64 (C, C).

    Raises:
        ValueError: The text is damaged, of another size, or negative.
    """
    size = 8 * num_classes**2
    unpacker = zlib.decompressobj()
    try:
        # A file from elsewhere must not fill the memory.
        packed = base64.b64decode(text, validate=True)
        content = unpacker.decompress(packed, size + 1)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError(f'the confusion matrix is damaged: {error}') from None
    if len(content) != size or not unpacker.eof:
        raise ValueError(
            f'the confusion matrix is not one of {num_classes} x '
            f'{num_classes} int64 counts'
        )
    matrix = np.frombuffer(content, '<i8').astype(np.int64)
    if (matrix < 0).any():
        raise ValueError('the confusion matrix has negative counts')
    return matrix.reshape(num_classes, num_classes)
