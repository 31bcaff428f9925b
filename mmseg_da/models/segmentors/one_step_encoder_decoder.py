# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn


@MODELS.register_module()
class OneStepEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` that enlarges its logits once, as the papers do.

    mmseg enlarges the logits to the size of the network's input and then to
    that of the original image; the evaluations of AdaptSegNet, ADVENT,
    IntraDA and DADA go from 1/8 of the input to the original size in one
    bilinear step, which moves the borders of the predicted regions. Where
    the input is the original image, both are the same.

    Arguments, weights and training are those of ``EncoderDecoder``, and so
    are its other ways to predict (``mode='slide'``, which averages windows
    at the input's size, and ``predict`` without samples).

    Args:
        *args: Of ``EncoderDecoder``.
        **kwargs: Of ``EncoderDecoder``.

    Attributes:
        one_step_resize (bool): Whether predictions are resized once; result
            records tell it.

    Raises:
        ValueError: If the decode head has a ``predict`` of its own, which
            does not consist of logits and one resize.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = type(self.decode_head)
        if (
            kind.predict is not BaseDecodeHead.predict
            or kind.predict_by_feat is not BaseDecodeHead.predict_by_feat
        ):
            raise ValueError(
                f'OneStepEncoderDecoder: decode_head {kind.__name__} defines '
                'its own predict; use EncoderDecoder, or a head with '
                "mmseg's BaseDecodeHead.predict"
            )

    @property
    def one_step_resize(self) -> bool:
        """bool: True unless windows are averaged (``mode='slide'``)."""
        return (self.test_cfg or {}).get('mode', 'whole') == 'whole'

    def predict(
        self, inputs: Tensor, data_samples: list[SegDataSample] | None = None
    ) -> list[SegDataSample]:
        """Predict at the original size of every image.

        Args:
            inputs (Tensor): Preprocessed images (N, 3, H, W).
            data_samples (list, optional): N samples with ``ori_shape``, and
                ``padding_size`` and ``flip`` where they apply.

        Returns:
            list[SegDataSample]: ``seg_logits`` (C, h, w) and
            ``pred_sem_seg`` (1, h, w) of the original size (h, w).
        """
        if data_samples is None or not self.one_step_resize:
            return super().predict(inputs, data_samples)
        logits = self.decode_head(self.extract_feat(inputs))
        for one, sample in zip(logits.split(1), data_samples, strict=True):
            enlarged = one_step_logits(
                one, inputs.shape[-2:], sample.metainfo, self.align_corners
            )
            _store(sample, enlarged, self.decode_head)
        return data_samples


def one_step_logits(
    logits: Tensor,
    input_size: Sequence[int],
    meta: Mapping[str, Any],
    align_corners: bool,
) -> Tensor:
    """Logits of an image at its original size, in one bilinear step.

    Padding (``img_padding_size`` or ``padding_size``, as mmseg writes them:
    left, right, top, bottom) is left out and a flip undone.

    Args:
        logits (Tensor): (1, C, h, w), over the whole padded input.
        input_size (Sequence[int]): (H, W) of the padded input.
        meta (Mapping): Meta information of the sample.
        align_corners (bool): Of the resize.

    Returns:
        Tensor: (C, *ori_shape).

    Raises:
        ValueError: If the flip direction is unknown.
    """
    size = tuple(meta['ori_shape'][:2])
    padding = meta.get('img_padding_size', meta.get('padding_size'))
    left, right, top, bottom = padding or (0, 0, 0, 0)
    if left or right or top or bottom:
        rows = (top, input_size[0] - bottom, input_size[0])
        columns = (left, input_size[1] - right, input_size[1])
        logits = _resize_window(logits, rows, columns, size, align_corners)
    else:
        logits = F.interpolate(
            logits, size=size, mode='bilinear', align_corners=align_corners
        )
    if meta.get('flip'):
        direction = meta.get('flip_direction')
        if direction not in ('horizontal', 'vertical'):
            raise ValueError(
                f'flip_direction={direction!r} of {meta.get("img_path")}; '
                'allowed: horizontal, vertical'
            )
        logits = logits.flip(3 if direction == 'horizontal' else 2)
    return logits.squeeze(0)


def _resize_window(
    logits: Tensor,
    rows: tuple[int, int, int],
    columns: tuple[int, int, int],
    size: tuple[int, int],
    align_corners: bool,
) -> Tensor:
    """Enlarge the part of the logits that lies inside of the padding.

    ``rows`` and ``columns`` are (first, last + 1, length) in input pixels.
    """
    y = _positions(rows, size[0], align_corners, logits.device)
    x = _positions(columns, size[1], align_corners, logits.device)
    grid = torch.stack(torch.meshgrid(y, x, indexing='ij')[::-1], dim=-1)
    # Positions need more digits than half precision has.
    enlarged = F.grid_sample(
        logits.float(),
        grid[None],
        padding_mode='border',
        align_corners=align_corners,
    )
    return enlarged.to(logits.dtype)


def _positions(
    window: tuple[int, int, int],
    size: int,
    align_corners: bool,
    device: torch.device,
) -> Tensor:
    """Where the output pixels lie in the padded input, from -1 to 1."""
    start, stop, length = window
    index = torch.arange(size, device=device, dtype=torch.float64)
    if align_corners:
        pixel = start + index * (stop - 1 - start) / max(size - 1, 1)
        position = 2 * pixel / max(length - 1, 1) - 1
    else:
        pixel = start + (index + 0.5) * (stop - start) / size
        position = 2 * pixel / length - 1
    return position.float()


def _store(sample: SegDataSample, logits: Tensor, head: nn.Module) -> None:
    """Put logits (C, h, w) and their classes into a sample, like mmseg."""
    if len(logits) > 1:
        prediction = logits.argmax(dim=0, keepdim=True)
    else:
        logits = logits.sigmoid()
        prediction = (logits > head.threshold).to(logits)
    sample.set_data(
        {
            'seg_logits': PixelData(data=logits),
            'pred_sem_seg': PixelData(data=prediction),
        }
    )
