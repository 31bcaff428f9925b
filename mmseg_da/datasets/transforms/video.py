# SPDX-License-Identifier: Apache-2.0
"""What self-supervised depth needs of a video sample.

Order of a training pipeline::

    LoadStreetImage, LoadNeighbourFrames, LoadCamera, [LoadVehicleMotion],
    JointResize, JointRandomFlip, [KeepWholeFrames], JointRandomCrop,
    BuildImagePyramid, SequenceColorJitter, [UseLegacyIntrinsics]

``PackUDAInputs(pixel_keys=("frame_m1", "frame_p1", "clean_0", "clean_m1",
"clean_p1"), tensor_keys=("intrinsics", "pyramid_1", ...))`` packs them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from PIL import Image
from torchvision.transforms import functional as TF

from .sequence import frame_key

__all__ = [
    'BuildImagePyramid',
    'KeepWholeFrames',
    'SequenceColorJitter',
    'UseLegacyIntrinsics',
    'clean_key',
    'pyramid_key',
    'whole_key',
]

_OPERATIONS = (
    TF.adjust_brightness,
    TF.adjust_contrast,
    TF.adjust_saturation,
    TF.adjust_hue,
)


def clean_key(offset: int) -> str:
    """Entry of a frame without colour jitter: 'clean_0', 'clean_m1', ..."""
    return frame_key(offset).replace('frame', 'clean') if offset else 'clean_0'


def whole_key(offset: int) -> str:
    """Entry of a frame before the crop: 'whole_0', 'whole_m1', ..."""
    return frame_key(offset).replace('frame', 'whole') if offset else 'whole_0'


def pyramid_key(scale: int) -> str:
    """Entry of the image after ``scale`` halvings: 'pyramid_1', ..."""
    return f'pyramid_{scale}'


@TRANSFORMS.register_module()
class KeepWholeFrames(BaseTransform):
    """Keep image and neighbours as they are before the crop.

    For a pose net that sees the whole frames (the source depth of SDE,
    ``provide_uncropped_for_pose``). The keys of :func:`whole_key`, named in
    ``whole_fields``, are packed as ``tensor_keys``;
    :class:`SequenceColorJitter` changes them with the frames.
    """

    def transform(self, results: dict) -> dict:
        """Add uint8 BGR arrays (H, W, 3); needs ``LoadNeighbourFrames``."""
        fields = {'whole_0': results['img']}
        for key in results.get('frame_fields', []):
            fields[key.replace('frame', 'whole')] = results[key]
        results.update({key: array.copy() for key, array in fields.items()})
        results['whole_fields'] = list(fields)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@TRANSFORMS.register_module()
class BuildImagePyramid(BaseTransform):
    """Halve the image again and again, as Pillow's Lanczos filter does.

    Belongs behind the geometric transforms and in front of the colour
    jitter: smoothness looks at the clean image. Added keys: uint8 BGR
    ``pyramid_1`` ... (h, w, 3), packed as ``tensor_keys``.

    Args:
        levels: Number of halvings.
    """

    def __init__(self, levels: int = 3) -> None:
        self.levels = levels

    def transform(self, results: dict) -> dict:
        """Add the levels.

        Raises:
            ValueError: The image is too small.
        """
        image = Image.fromarray(results['img'])
        if min(image.size) < 2**self.levels:
            raise ValueError(
                f'BuildImagePyramid: {results.get("img_path")} is '
                f'{image.size[0]}x{image.size[1]} here, too small for '
                f'{self.levels} halvings. Use larger crops.'
            )
        for level in range(1, self.levels + 1):
            size = image.size[0] // 2, image.size[1] // 2
            image = image.resize(size, Image.Resampling.LANCZOS)
            results[pyramid_key(level)] = np.array(image)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(levels={self.levels})'


@TRANSFORMS.register_module()
class SequenceColorJitter(BaseTransform):
    """One colour jitter for all frames of a sample, for the networks only.

    ``img`` and the frames are changed; the originals stay as ``clean_0``,
    ``clean_m1``, ... for the losses. Brightness, contrast, saturation and hue
    follow torchvision's definitions, in random order.

    Args:
        prob: Probability of any change.
        brightness: Factor drawn from [1 - b, 1 + b].
        contrast: The same.
        saturation: The same.
        hue: Shift drawn from [-hue, hue], 1 is the whole circle.

    Raises:
        ValueError: A value out of range.
    """

    def __init__(
        self,
        prob: float = 0.5,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        hue: float = 0.1,
    ) -> None:
        self.prob = prob
        self.spans = (brightness, contrast, saturation, hue)
        limits = {'prob': 1, 'hue': 0.5}
        limits |= dict.fromkeys(('brightness', 'contrast', 'saturation'), 1)
        given = dict(zip(_NAMES, self.spans, strict=True), prob=prob)
        for name, value in given.items():
            if not 0 <= value <= limits[name]:
                raise ValueError(
                    f'SequenceColorJitter: {name}={value}; allowed: 0 to '
                    f'{limits[name]}'
                )

    def transform(self, results: dict) -> dict:
        """Keep the originals; change image, frames and whole frames."""
        frames = results.get('frame_fields', [])
        originals = {'clean_0': results['img']}
        for key in frames:
            originals[key.replace('frame', 'clean')] = results[key]
        results.update(originals)
        if np.random.random() >= self.prob:
            return results
        # Even a hue shift of 0 rounds in Pillow: leave idle operations out.
        order = np.random.permutation(np.flatnonzero(self.spans))
        low = np.array([1, 1, 1, 0]) - self.spans
        high = np.array([1, 1, 1, 0]) + self.spans
        factors = np.random.uniform(low, high)
        for key in ['img', *frames, *results.get('whole_fields', [])]:
            results[key] = _jitter(results[key], order, factors)
        return results

    def __repr__(self) -> str:
        values = zip(_NAMES, self.spans, strict=True)
        text = ', '.join(f'{name}={value}' for name, value in values)
        return f'{type(self).__name__}(prob={self.prob}, {text})'


_NAMES = ('brightness', 'contrast', 'saturation', 'hue')


def _jitter(
    image: np.ndarray, order: Sequence[int], factors: np.ndarray
) -> np.ndarray:
    """Change a uint8 BGR image; Pillow computes in RGB."""
    picture = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    for index in order:
        picture = _OPERATIONS[index](picture, float(factors[index]))
    return np.ascontiguousarray(np.asarray(picture)[..., ::-1])


@TRANSFORMS.register_module()
class UseLegacyIntrinsics(BaseTransform):
    """Replace K by the one the published Cityscapes depth nets saw.

    They were trained with the camera of the raw 2048x1024 image on resized
    images: K is not scaled, a mirror moves cx AND cy, the crop offset is
    subtracted in pixels of the resized image. Belongs at the end of the
    pipeline; needs ``LoadCamera(pixel_center=0.5)`` without a camera file.
    """

    def transform(self, results: dict) -> dict:
        """Replace ``intrinsics``.

        Raises:
            ValueError: No normalised camera, or another pixel centre.
        """
        if (
            'normalized_intrinsics' not in results
            or results.get('pixel_center') != 0.5
        ):
            raise ValueError(
                'UseLegacyIntrinsics needs normalised intrinsics and '
                f'LoadCamera(pixel_center=0.5); {results.get("img_path")} '
                'has another camera.'
            )
        fx, fy, cx, cy = results['normalized_intrinsics']
        height, width = results['ori_shape']
        sx, sy = results.get('scale_factor', (1.0, 1.0))
        right = results['intrinsics'].astype(np.float64)
        flipped = bool(results.get('flip'))
        mirrored = 1 - cx if flipped else cx
        left = np.rint(mirrored * width * sx - right[0, 2])
        top = np.rint(cy * height * sy - right[1, 2])
        vertical = 1 - cy if flipped else cy
        matrix = [
            [fx * width, 0, mirrored * width - left],
            [0, fy * height, vertical * height - top],
            [0, 0, 1],
        ]
        results['intrinsics'] = np.array(matrix, np.float32)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
