# SPDX-License-Identifier: Apache-2.0
"""Several aligned views of one image, for consistency between them.

SAC (Araslanov and Roth, CVPR 2021, sec. 3.2): flips and zoomed crops of one
frame, each with the affine maps between its pixels and those of the frame.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log
from mmseg.registry import TRANSFORMS
from PIL import Image

from .formatting import META_KEYS, PackUDAInputs
from .photometric import (
    PillowTransform,
    bgr_to_pillow,
    check_probability,
    check_range,
)

__all__ = ['ConsistencyViews', 'PackViews', 'ViewGeometry', 'view_affine']

VIEW_KEYS = ('clean', 'padding', 'affine', 'affine_inverse')
SAC_NOISE = (
    dict(type='PillowGaussianBlur', radius=(0.1, 2.0), prob=1.0),
    dict(
        type='PillowColorJitter',
        brightness=0.4,
        contrast=0.4,
        saturation=0.4,
        hue=0.1,
        prob=0.5,
    ),
    dict(type='PillowGreyscale', prob=0.2),
)


def view_affine(
    dy: float, dx: float, zoom: float, flip: bool, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Affine maps between the reference frame and a view.

    ``A = z [[f, 0, -dx / (W // 2)], [0, 1, -dy / (H // 2)]]`` with f = -1
    for a flipped view, else 1; ``A^-1`` is its inverse.

    Args:
        dy, dx: Centre of the view's crop minus that of the (flipped) frame,
            pixels.
        zoom: z, size of the view over that of its crop.
        flip: The frame was mirrored before the crop.
        size: Height H and width W of frame and view.

    Returns:
        A and A^-1, float32 (2, 3), x first, in the normalised coordinates
        of ``torch.nn.functional.affine_grid``. A takes a position of the
        frame to that of the view: ``grid_sample(view, affine_grid(A))`` is
        the view in the reference frame, and A^-1 brings it back.
    """
    height, width = size
    sign = -1.0 if flip else 1.0
    right, down = dx / (width // 2), dy / (height // 2)
    # + 0.0 turns -0.0 into 0.0.
    forth = np.array([[sign, 0, -right], [0, 1, -down]]) * zoom + 0.0
    back = np.array([[sign / zoom, 0, sign * right], [0, 1 / zoom, down]])
    return forth.astype(np.float32), (back + 0.0).astype(np.float32)


class ViewGeometry(NamedTuple):
    """What a view shows: the frame, mirrored or not, then cropped.

    Attributes:
        flip: Mirror the frame first.
        box: Left, top, right, bottom of the crop, pixels; parts outside the
            frame are padding.
        zoom: 1 / s of the drawn scale s; the box has ``int(s * side)``
            pixels a side.
        size: Height and width of frame and view.
    """

    flip: bool
    box: tuple[int, int, int, int]
    zoom: float
    size: tuple[int, int]

    @property
    def matrices(self) -> tuple[np.ndarray, np.ndarray]:
        """A and A^-1, see :func:`view_affine`."""
        left, top, right, bottom = self.box
        height, width = self.size
        dx = (left + right - width) / 2
        dy = (top + bottom - height) / 2
        return view_affine(dy, dx, self.zoom, self.flip, self.size)

    def cut(self, frame: Image.Image, resample: int) -> Image.Image:
        """Cut the view out of a Pillow image; padding becomes 0."""
        if self.flip:
            frame = frame.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if self.box == (0, 0, *frame.size):
            return frame
        # Not resize(box=...), which looks at pixels outside the box.
        return frame.crop(self.box).resize(self.size[::-1], resample)


@TRANSFORMS.register_module()
class ConsistencyViews(BaseTransform):
    """T views of one image: clean for a teacher, noisy for a student.

    The image after the shared geometry is the reference frame. Every view,
    the first one too, is mirrored with ``flip_prob``; all but the first are
    zoomed: a crop of s times the sides, s uniform in ``zoom_range``, resized
    to the frame's size (Pillow, bilinear with anti-aliasing). Then each
    view gets its own noise. All steps are those of the SAC reference; its
    maps use the drawn s although the crop has whole pixels.

    Required keys: ``img``, and ``padding_mask`` if there is padding
    (:class:`PaddedRandomCrop`). Added keys (:class:`PackViews` packs them):

    - ``noisy``, ``clean``: uint8 (T, 3, H, W), BGR like ``img``
    - ``padding``: bool (T, H, W), True where the view shows no image
    - ``affine``, ``affine_inverse``: float32 (T, 2, 3), :func:`view_affine`:
      frame -> view and view -> frame. Identity without flip and zoom.

    What a method's ``loss(inputs, data_samples)`` receives after
    :class:`PaddedSegDataPreProcessor` for N images a batch:

    - ``inputs['target_views']``: noisy views, float32 (N, T, 3, H, W),
      normalised, 0 on padding
    - each of the N ``data_samples['target_views']``: tensors ``clean``
      (T, 3, H, W), normalised, 0 on padding; ``padding``, ``affine``,
      ``affine_inverse`` as above, all on the device. ``.flatten(0, 1)`` of
      the stacked tensors is image-major, view 0 of each image first.

    Args:
        num_views: T.
        zoom_range: Least and largest s; above 1 the view is the smaller
            frame on padding. None never zooms.
        flip_prob: Probability of each mirror.
        noise: Configs of :class:`PillowTransform`, applied in order.

    Raises:
        ValueError: A bad range or probability, or noise that is no
            PillowTransform.
    """

    def __init__(
        self,
        num_views: int = 4,
        zoom_range: tuple[float, float] | None = (0.5, 1.0),
        flip_prob: float = 0.5,
        noise: Sequence[dict] = SAC_NOISE,
    ) -> None:
        name = 'ConsistencyViews'
        if num_views < 1:
            raise ValueError(f'{name}: num_views={num_views} must be >= 1')
        if num_views == 1:
            print_log(
                f'{name}: num_views=1, so there is nothing to be consistent '
                'with; the paper uses 4',
                logger='current',
                level=logging.WARNING,
            )
        self.num_views = num_views
        self.zoom_range = None
        if zoom_range is not None:
            self.zoom_range = check_range(name, 'zoom_range', zoom_range, 0)
        self.flip_prob = check_probability(name, 'flip_prob', flip_prob)
        self.noise = [TRANSFORMS.build(config) for config in noise]
        for step in self.noise:
            if not isinstance(step, PillowTransform):
                raise ValueError(
                    f'{name}: noise has a {type(step).__name__}; allowed '
                    'are PillowColorJitter, PillowGaussianBlur, '
                    'PillowGreyscale and other PillowTransforms'
                )

    def transform(self, results: dict) -> dict:
        """Add the views.

        Raises:
            ValueError: The smallest zoom leaves no pixel of the image.
        """
        size = results['img'].shape[:2]
        count = self.num_views
        geometries = [self.draw_geometry(k, size) for k in range(count)]
        frame = bgr_to_pillow(results['img'])
        views = {
            key: np.empty((count, 3, *size), np.uint8)
            for key in ('clean', 'noisy')
        }
        for k, geometry in enumerate(geometries):
            view = geometry.cut(frame, Image.Resampling.BILINEAR)
            _fill(views['clean'][k], view)
            for step in self.noise:
                view = step.apply(view)
            _fill(views['noisy'][k], view)
        matrices = [geometry.matrices for geometry in geometries]
        results.update(
            views,
            padding=_padding(results.get('padding_mask'), geometries),
            affine=np.stack([forth for forth, _ in matrices]),
            affine_inverse=np.stack([back for _, back in matrices]),
        )
        return results

    def draw_geometry(self, k: int, size: tuple[int, int]) -> ViewGeometry:
        """Draw flip and zoom of view k of a frame of size (H, W)."""
        flip = bool(np.random.random_sample() < self.flip_prob)
        height, width = size
        box, scale = (0, 0, width, height), 1.0
        if k > 0 and self.zoom_range is not None:
            scale = np.random.uniform(*self.zoom_range)
        if scale != 1:
            h, w = int(scale * height), int(scale * width)
            if not h or not w:
                raise ValueError(
                    f'ConsistencyViews: zoom_range={self.zoom_range} leaves '
                    f'no pixel of an image of {width}x{height}'
                )
            top = _offset(height - h)
            left = _offset(width - w)
            box = (left, top, left + w, top + h)
        return ViewGeometry(flip, box, 1 / scale, size)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(num_views={self.num_views}, '
            f'zoom_range={self.zoom_range}, flip_prob={self.flip_prob}, '
            f'noise={self.noise})'
        )


def _offset(room: int) -> int:
    """A uniform integer between 0 and ``room``, both included."""
    low, high = min(room, 0), max(room, 0)
    return int(np.random.randint(low, high + 1))


def _fill(target: np.ndarray, view: Image.Image) -> None:
    """Write a Pillow RGB image into uint8 BGR planes (3, H, W)."""
    for plane, channel in zip(
        target, reversed(cv2.split(np.asarray(view))), strict=True
    ):
        plane[:] = channel


def _padding(
    mask: np.ndarray | None, geometries: Sequence[ViewGeometry]
) -> np.ndarray:
    """Padding of every view, bool (T, H, W); mask is uint8, 1 on padding."""
    size = geometries[0].size
    padding = np.zeros((len(geometries), *size), bool)
    padded = mask is not None and mask.any()
    inside = np.ones(size, np.uint8) if mask is None else 1 - mask
    frame = Image.fromarray(inside)
    for plane, geometry in zip(padding, geometries, strict=True):
        if padded or geometry.zoom < 1:
            # Pillow's crop pads with 0, so the inside is what is cut.
            view = geometry.cut(frame, Image.Resampling.NEAREST)
            plane[:] = np.asarray(view) == 0
    return padding


@TRANSFORMS.register_module()
class PackViews(PackUDAInputs):
    """Pack what :class:`ConsistencyViews` made.

    ``inputs`` are the noisy views, uint8 (T, 3, H, W); the data sample
    carries ``clean``, ``padding``, ``affine`` and ``affine_inverse``.

    Args:
        meta_keys: See :class:`PackUDAInputs`.

    Raises:
        KeyError: The pipeline has no :class:`ConsistencyViews`.
    """

    def __init__(self, meta_keys: Sequence[str] = META_KEYS) -> None:
        super().__init__(meta_keys=meta_keys, tensor_keys=VIEW_KEYS)

    def transform(self, results: dict) -> dict:
        """Pack the views."""
        packed = super().transform(results)
        packed['inputs'] = torch.from_numpy(self._lookup(results, 'noisy'))
        return packed
