# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor

__all__ = ['PaddedSegDataPreProcessor', 'renormalized_statistics']


def renormalized_statistics(
    source: Sequence[Sequence[float]],
    target: Sequence[Sequence[float]],
    network: Sequence[Sequence[float]],
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation that give source images the target's statistics.

    Normalising with ``m' = m_s - (s_s / s_t) (m_t - m)`` and
    ``s' = s s_s / s_t`` is the colour transfer ``(x - m_s) s_t / s_s + m_t``
    followed by the network's own ``(x - m) / s`` (SAC's source loader).

    Args:
        source: Mean m_s and deviation s_s of the source's channels.
        target: m_t and s_t of the target's channels.
        network: m and s the network was trained with.

    Returns:
        m' and s', float64, one value per channel, in the unit of the input.

    Raises:
        ValueError: A deviation is not positive or numbers are missing.
    """
    pairs = []
    for name, pair in (
        ('source', source),
        ('target', target),
        ('network', network),
    ):
        values = np.asarray(pair, np.float64)
        if values.ndim != 2 or len(values) != 2 or not (values[1] > 0).all():
            raise ValueError(
                f'{name} statistics {pair!r}: expected (means, deviations) '
                'of the channels, deviations > 0'
            )
        pairs.append(values)
    (mean_s, std_s), (mean_t, std_t), (mean, std) = pairs
    ratio = std_s / std_t
    return mean_s - ratio * (mean_t - mean), std * ratio


@MODELS.register_module()
class PaddedSegDataPreProcessor(SegDataPreProcessor):
    """mmseg's preprocessor, with padding that is 0 and stacks of views.

    - Training samples with ``padding_mask`` (:class:`PaddedRandomCrop`, in
      ``pixel_keys`` of ``PackUDAInputs``) are exactly 0 on padding *after*
      the normalisation.
    - Inputs (T, 3, H, W) of :class:`ConsistencyViews` become one float
      tensor (N, T, 3, H, W); the samples' ``clean`` views are normalised
      the same way, and both are 0 where ``padding`` is set.
    - ``source_statistics`` moves a domain's colour statistics to those of
      another one, see :func:`renormalized_statistics`.

    The images travel as uint8 and are normalised on the device. Validation
    and test are mmseg's.

    Args:
        mean, std, size, size_divisor, pad_val, seg_pad_val, bgr_to_rgb,
            rgb_to_bgr, test_cfg: As in mmseg's ``SegDataPreProcessor``.
        source_statistics, target_statistics: (means, deviations) in RGB
            order (that of ``mean``) and its unit, [0, 255]; both or none.

    Raises:
        ValueError: Only one of the two statistics, or statistics without
            ``mean`` and ``std``; views of different sizes in a batch.
    """

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        size: tuple[int, int] | None = None,
        size_divisor: int | None = None,
        pad_val: float = 0,
        seg_pad_val: float = 255,
        bgr_to_rgb: bool = False,
        rgb_to_bgr: bool = False,
        test_cfg: dict | None = None,
        source_statistics: Sequence[Sequence[float]] | None = None,
        target_statistics: Sequence[Sequence[float]] | None = None,
    ) -> None:
        given = [source_statistics, target_statistics]
        if any(x is not None for x in given):
            if any(x is None for x in [*given, mean, std]):
                raise ValueError(
                    'PaddedSegDataPreProcessor: source_statistics, '
                    'target_statistics, mean and std go together; give all '
                    'four or no statistics'
                )
            mean, std = (
                values.tolist()
                for values in renormalized_statistics(*given, (mean, std))
            )
        super().__init__(
            mean=mean,
            std=std,
            size=size,
            size_divisor=size_divisor,
            pad_val=pad_val,
            seg_pad_val=seg_pad_val,
            bgr_to_rgb=bgr_to_rgb,
            rgb_to_bgr=rgb_to_bgr,
            test_cfg=test_cfg,
        )

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Normalise and stack a batch; see the class docstring.

        Args:
            data: ``inputs``, a list of uint8 tensors (3, H, W) or
                (T, 3, H, W), and ``data_samples``.
            training: Whether the batch is one of the training.

        Returns:
            ``inputs``, one float tensor, and ``data_samples``.
        """
        if not training:
            return super().forward(data, training)
        if data['inputs'][0].ndim == 4:
            return self._stack_views(data)
        result = super().forward(data, training)
        for image, sample in zip(
            result['inputs'], result['data_samples'], strict=True
        ):
            if 'padding_mask' in sample:
                mask = sample.padding_mask.data.bool()
                height, width = mask.shape[-2:]
                image[:, :height, :width].masked_fill_(mask, 0)
        return result

    def _stack_views(self, data: dict) -> dict[str, Any]:
        shapes = {tuple(views.shape) for views in data['inputs']}
        if len(shapes) > 1:
            raise ValueError(
                f'views of different shapes {sorted(shapes)} in one batch; '
                'crop all images to one size before ConsistencyViews'
            )
        data = self.cast_data(data)
        samples = data['data_samples']
        # (N, T, 1, H, W)
        padding = torch.stack([x.padding for x in samples]).unsqueeze(2)
        noisy = self._normalize(torch.stack(data['inputs']))
        clean = self._normalize(torch.stack([x.clean for x in samples]))
        for sample, views in zip(samples, clean, strict=True):
            sample.clean = views
        for views in (noisy, clean):
            views.masked_fill_(padding, 0)
        return {'inputs': noisy, 'data_samples': samples}

    def _normalize(self, views: Tensor) -> Tensor:
        """Normalise uint8 (N, T, 3, H, W) into a new float tensor."""
        if self._channel_conversion:
            views = views.flip(2)
        views = views.float()
        if self._enable_normalize:
            views = views.sub_(self.mean).div_(self.std)
        return views
