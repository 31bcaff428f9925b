# SPDX-License-Identifier: Apache-2.0
"""Frames of a batch of video samples, as tensors in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_da.datasets.transforms.sequence import frame_key
from mmseg_da.datasets.transforms.video import (
    clean_key,
    pyramid_key,
    whole_key,
)

OFFSETS = (-1, 1)


@dataclass
class VideoBatch:
    """What self-supervised depth compares.

    Attributes:
        frames: Offset (0 and the neighbours) -> network input (N, 3, H, W),
            RGB in [0, 1], possibly colour-jittered.
        target: Clean image of offset 0, (N, 3, H, W).
        neighbours: Clean neighbours (F, N, 3, H, W), ascending offsets.
        pyramid: Scale -> clean image (N, 3, H / 2^s, W / 2^s).
        intrinsics: K in pixels, (N, 3, 3).
        offsets: Neighbours, ascending.
        whole: Offset -> uncropped network input; empty unless packed.
        motion: Given motion to the neighbours (F, N, 4, 4), or None.
        travel: Given distance to the neighbours (F, N) in metres, or None.
    """

    frames: dict[int, Tensor]
    target: Tensor
    neighbours: Tensor
    pyramid: dict[int, Tensor]
    intrinsics: Tensor
    offsets: tuple[int, ...] = OFFSETS
    whole: dict[int, Tensor] = field(default_factory=dict)
    motion: Tensor | None = None
    travel: Tensor | None = None


def read_video(
    images: Tensor,
    samples: Sequence,
    offsets: Sequence[int] = OFFSETS,
    scales: Sequence[int] = (0, 1, 2, 3),
) -> VideoBatch:
    """Collect the frames of a branch.

    Without ``SequenceColorJitter`` in the pipeline the clean frames are the
    network's; without ``BuildImagePyramid`` the levels are block means.

    Args:
        images (Tensor): Preprocessed branch, (N, 3, H, W), RGB in [0, 1].
        samples (Sequence): Its samples, with ``frame_m1``, ``frame_p1`` and
            ``intrinsics``.
        offsets (Sequence[int]): Neighbours. Defaults to (-1, 1).
        scales (Sequence[int]): Levels of the pyramid. Defaults to 0..3.

    Returns:
        VideoBatch: On the device of ``images``.

    Raises:
        ValueError: A frame or the camera is not packed, a frame has another
            size than the images, or the size is no multiple of the coarsest
            level's stride.
    """
    _check_size(images, scales)
    offsets = tuple(sorted(offsets))
    frames = {0: images}
    for offset in offsets:
        frames[offset] = _pixels(samples, frame_key(offset), images)
    target, neighbours = images, [frames[offset] for offset in offsets]
    if clean_key(0) in samples[0]:
        target = _pixels(samples, clean_key(0), images)
        neighbours = [_pixels(samples, clean_key(k), images) for k in offsets]
    whole = {}
    if whole_key(0) in samples[0]:
        whole = {k: _arrays(samples, whole_key(k), images) for k in frames}
    motion = _stack(samples, 'motion', images)
    travel = _stack(samples, 'travel', images)
    return VideoBatch(
        frames,
        target,
        torch.stack(neighbours),
        {s: _level(s, samples, target) for s in scales},
        _camera(samples, images),
        offsets,
        whole,
        None if motion is None else motion.transpose(0, 1),
        None if travel is None else travel.transpose(0, 1),
    )


def _check_size(images: Tensor, scales: Sequence[int]) -> None:
    stride = 2 ** max(scales)
    if any(side % stride for side in images.shape[-2:]):
        raise ValueError(
            f'self-supervised depth on scales {list(scales)} needs images '
            f'whose sides are multiples of {stride}, got '
            f'{tuple(images.shape[-2:])} (height, width); change crop_size '
            'and the size of the data preprocessor'
        )


def _rgb(pixels: Tensor, like: Tensor) -> Tensor:
    """(N, 3, H, W) BGR bytes as RGB in [0, 1]."""
    return pixels.to(like.device, like.dtype).flip(1) / 255


def _require(samples: Sequence, key: str, option: str) -> None:
    if key not in samples[0]:
        raise ValueError(
            f'self-supervised depth needs {key!r} in every sample, but '
            f'{samples[0].metainfo.get("img_path")} has it not. Load it '
            f'(LoadNeighbourFrames, LoadCamera) and name it in {option} of '
            'PackUDAInputs.'
        )


def _pixels(samples: Sequence, key: str, like: Tensor) -> Tensor:
    _require(samples, key, 'pixel_keys')
    maps = [getattr(sample, key).data for sample in samples]
    size = tuple(like.shape[-2:])
    for pixels, sample in zip(maps, samples, strict=True):
        if tuple(pixels.shape[-2:]) != size:
            raise ValueError(
                f'{sample.metainfo.get("img_path")}: {key} is '
                f'{tuple(pixels.shape[-2:])}, the batch {size} (height, '
                'width). Padding would be taken for scene: crop to the size '
                'of the data preprocessor.'
            )
    return _rgb(torch.stack(maps), like)


def _arrays(samples: Sequence, key: str, like: Tensor) -> Tensor:
    """Arrays (H, W, 3) packed as plain tensors."""
    arrays = torch.stack([getattr(sample, key) for sample in samples])
    return _rgb(arrays.permute(0, 3, 1, 2), like)


def _level(scale: int, samples: Sequence, target: Tensor) -> Tensor:
    if scale == 0:
        return target
    if pyramid_key(scale) in samples[0]:
        return _arrays(samples, pyramid_key(scale), target)
    return F.avg_pool2d(target, 2**scale)


def _stack(samples: Sequence, key: str, like: Tensor) -> Tensor | None:
    if key not in samples[0]:
        return None
    values = torch.stack([getattr(sample, key) for sample in samples])
    return values.to(like.device, like.dtype)


def _camera(samples: Sequence, like: Tensor) -> Tensor:
    _require(samples, 'intrinsics', 'tensor_keys')
    return _stack(samples, 'intrinsics', like)
