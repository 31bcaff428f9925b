# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn


@MODELS.register_module()
class LogitEnsemble(BaseModel):
    """Several segmentors that predict together.

    The evaluation of AdvEnt+MinEnt (Vu et al., CVPR 2019): the logits of
    every member, enlarged to the original size, are added with weights and
    the largest sum wins. Logits are summed, not probabilities, so a member
    with larger logits counts for more.

    Every member has its own data preprocessor; all get the same images from
    one test pipeline. It cannot be trained; ``tools/misc/test_ensemble.py``
    builds it from configs and checkpoints.

    Args:
        members (list[dict]): Configs of segmentors or of adaptation methods.
        weights (list[float], optional): Factor of each member's logits.
            Defaults to None, 1 / number of members each.

    Raises:
        ValueError: If there is no member, the weights do not fit, or the
            members have different numbers of classes.
    """

    def __init__(
        self, members: Sequence[dict], weights: Sequence[float] | None = None
    ) -> None:
        # Moves a batch to the device; the members normalise and stack it.
        super().__init__(data_preprocessor=BaseDataPreprocessor())
        count = len(members)
        if not count:
            raise ValueError('LogitEnsemble.members is empty; give at least 1')
        weights = [1 / count] * count if weights is None else list(weights)
        if len(weights) != count or not all(map(math.isfinite, weights)):
            raise ValueError(
                f'LogitEnsemble.weights={weights}: expected {count} finite '
                'numbers, one per member'
            )
        self.members = nn.ModuleList(MODELS.build(cfg) for cfg in members)
        self.weights = [float(weight) for weight in weights]
        channels = [member.out_channels for member in self.members]
        if len(set(channels)) > 1 or channels[0] < 2:
            raise ValueError(
                f'LogitEnsemble.members predict {channels} classes; expected '
                'the same number, at least 2, of all'
            )

    @property
    def decode_head(self) -> nn.Module:
        """nn.Module: Decode head of the first member."""
        return self.members[0].decode_head

    @property
    def num_classes(self) -> int:
        """int: Number of classes."""
        return self.members[0].num_classes

    @property
    def out_channels(self) -> int:
        """int: Channels of the logits."""
        return self.members[0].out_channels

    @property
    def align_corners(self) -> bool:
        """bool: How the first member resizes its logits."""
        return self.members[0].align_corners

    def forward(
        self,
        inputs: Sequence[Tensor],
        data_samples: list[SegDataSample] | None = None,
        mode: str = 'predict',
    ) -> list[SegDataSample]:
        """Add up the logits of all members.

        Args:
            inputs (Sequence[Tensor]): Images (3, H, W) as the pipeline packs
                them, uint8.
            data_samples (list): One sample per image.
            mode (str): Only 'predict'. Defaults to 'predict'.

        Returns:
            list[SegDataSample]: ``seg_logits`` (C, h, w), the weighted sum,
            and ``pred_sem_seg`` (1, h, w) at the original size.

        Raises:
            ValueError: If ``mode`` is another one or samples are missing.
        """
        if mode != 'predict' or data_samples is None:
            raise ValueError(
                f'LogitEnsemble only predicts, from images and samples; got '
                f'mode={mode!r}, data_samples={type(data_samples).__name__}'
            )
        total: list[Tensor] = []
        for member, weight in zip(self.members, self.weights, strict=True):
            logits = _logits_of(member, inputs, data_samples)
            if not total:
                total = [weight * value for value in logits]
                continue
            for sum_, value in zip(total, logits, strict=True):
                sum_.add_(value, alpha=weight)
        for sample, value in zip(data_samples, total, strict=True):
            sample.set_data(
                {
                    'seg_logits': PixelData(data=value),
                    'pred_sem_seg': PixelData(
                        data=value.argmax(0, keepdim=True)
                    ),
                }
            )
        return data_samples


def _logits_of(
    member: Any, inputs: Sequence[Tensor], data_samples: list[SegDataSample]
) -> list[Tensor]:
    """Logits (C, h, w) of one member, without traces in the samples."""
    data = {
        'inputs': list(inputs),
        'data_samples': [sample.new() for sample in data_samples],
    }
    data = member.data_preprocessor(data, False)
    with torch.no_grad():
        predictions = member.predict(data['inputs'], data['data_samples'])
    return [sample.seg_logits.data for sample in predictions]
