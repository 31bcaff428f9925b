# SPDX-License-Identifier: Apache-2.0
"""How images and labels become smaller.

``pillow`` is the copy of the SDE system (Hoyer et al., CVPR 2021):
Lanczos, JPEG quality 98 without chroma subsampling, exact target size.
``opencv`` averages areas and is faster. Labels always take the nearest pixel,
by the rule of the same library (Pillow: pixel centres, OpenCV: corners).
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from ..image_files import check_complete, decode_bgr, read_file
from ..label_decoding import LabelDecoder
from .runner import Conversion, FileJob
from .train_ids import encode_png, image_size

__all__ = [
    'BACKENDS',
    'ImageDownsampling',
    'LabelDownsampling',
    'nearest_indices',
]

BACKENDS = ('pillow', 'opencv')
QUALITY = 98
# Mean grey-level difference that JPEG at this quality stays far below.
_TOLERANCE = 8.0


def nearest_indices(size: int, target: int, backend: str) -> np.ndarray:
    """Source positions that nearest-neighbour resizing takes.

    Args:
        size: Pixels of the source along one axis.
        target: Pixels of the result.
        backend: 'pillow' (centres: halving takes 1, 3, 5, ...) or 'opencv'
            (corners: 0, 2, 4, ...).

    Returns:
        int64 array of shape (target,).
    """
    steps = np.arange(target)
    if backend == 'pillow':
        return (2 * steps + 1) * size // (2 * target)
    return steps * size // target


def _check_backend(backend: str, size: tuple[int, int]) -> None:
    if backend not in BACKENDS:
        raise ValueError(
            f'backend {backend!r} is unknown; allowed: {list(BACKENDS)}'
        )
    if min(size) < 1:
        raise ValueError(f'size {size}: give width and height in pixels')


class ImageDownsampling(Conversion):
    """Image -> smaller JPEG.

    Args:
        size: Width and height of the result.
        backend: One of :data:`BACKENDS`.
    """

    def __init__(self, size: tuple[int, int], backend: str = 'pillow') -> None:
        _check_backend(backend, size)
        self.size = tuple(size)
        self.backend = backend

    def settings(self) -> dict:
        return {
            'content': 'images',
            'size': list(self.size),
            'backend': self.backend,
            'quality': QUALITY,
        }

    def resize(self, path: str) -> np.ndarray:
        """The smaller image, uint8 BGR (H, W, 3)."""
        data = read_file(path)
        if self.backend == 'opencv':
            image = decode_bgr(data, path)
            return cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
        check_complete(data, path)
        with Image.open(io.BytesIO(data)) as image:
            small = image.convert('RGB').resize(self.size, Image.LANCZOS)
        return np.array(small)[:, :, ::-1]

    def make(self, job: FileJob) -> bytes:
        small = self.resize(job.source)
        if self.backend == 'opencv':
            flags = [
                cv2.IMWRITE_JPEG_QUALITY,
                QUALITY,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
            ]
            return cv2.imencode('.jpg', small, flags)[1].tobytes()
        buffer = io.BytesIO()
        image = Image.fromarray(np.ascontiguousarray(small[:, :, ::-1]))
        image.save(buffer, 'JPEG', quality=QUALITY, subsampling=0)
        return buffer.getvalue()

    def check(self, job: FileJob, data: bytes, full: bool) -> None:
        small = decode_bgr(data, job.output)
        _check_size(job, small.shape[:2], self.size)
        if not full:
            return
        wanted = self.resize(job.source).astype(np.float32)
        difference = float(np.abs(small - wanted).mean())
        if difference > _TOLERANCE:
            raise ValueError(
                f'{job.output}: differs by {difference:.1f} grey levels from '
                f'{job.source}; delete it or give --overwrite'
            )


class LabelDownsampling(Conversion):
    """Label file -> smaller file of the same encoding and the same ids.

    Args:
        size: Width and height of the result.
        backend: Whose nearest neighbour; one of :data:`BACKENDS`.
        decoder: Decoder of the files, for the check.
    """

    def __init__(
        self, size: tuple[int, int], backend: str, decoder: LabelDecoder
    ) -> None:
        _check_backend(backend, size)
        self.size = tuple(size)
        self.backend = backend
        self.decoder = decoder

    def settings(self) -> dict:
        return {
            'content': 'labels',
            'size': list(self.size),
            'backend': self.backend,
            'labels': self.decoder.name,
        }

    def make(self, job: FileJob) -> bytes:
        _check_pair(job)
        data = read_file(job.source)
        self.decoder.decode(data, job.source)
        with Image.open(io.BytesIO(data)) as image:
            if image.mode == 'P':
                small = Image.fromarray(self._nearest(np.array(image)), 'P')
                small.putpalette(image.getpalette())
                buffer = io.BytesIO()
                small.save(buffer, 'PNG')
                return buffer.getvalue()
        array = np.frombuffer(data, np.uint8)
        raw = cv2.imdecode(array, cv2.IMREAD_UNCHANGED)
        return encode_png(self._nearest(raw))

    def check(self, job: FileJob, data: bytes, full: bool) -> None:
        small = self.decoder.decode(data, job.output)
        _check_size(job, small.shape, self.size)
        _check_pair(job)
        if not full:
            return
        source = self.decoder.decode(read_file(job.source), job.source)
        wrong = np.count_nonzero(small != self._nearest(source))
        if wrong:
            raise ValueError(
                f'{job.output}: {wrong} pixels differ from {job.source}; '
                'delete it or give --overwrite'
            )

    def _nearest(self, array: np.ndarray) -> np.ndarray:
        rows = nearest_indices(array.shape[0], self.size[1], self.backend)
        columns = nearest_indices(array.shape[1], self.size[0], self.backend)
        return np.ascontiguousarray(array[rows][:, columns])


def _check_size(
    job: FileJob, shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    if tuple(shape) != (size[1], size[0]):
        raise ValueError(
            f'{job.output}: size {shape[1]}x{shape[0]}, expected '
            f'{size[0]}x{size[1]}; delete it or give --overwrite'
        )


def _check_pair(job: FileJob) -> None:
    """In the copy, image and label would have the same size."""
    if job.image is None:
        return
    label, image = image_size(job.source), image_size(job.image)
    if label != image:
        raise ValueError(
            f'{job.source}: size {label[1]}x{label[0]}, but its image '
            f'{job.image} has {image[1]}x{image[0]}. Unpack both again, or '
            'leave the pair out with --skip.'
        )
