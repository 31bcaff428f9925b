# SPDX-License-Identifier: Apache-2.0
"""What all depth networks share: encoder, decoder and prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from mmengine.model import BaseModel
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_da.models.utils import resize_to
from mmseg_da.models.utils.view_synthesis import disparity_to_depth

__all__ = ['DepthModel']


class DepthModel(BaseModel):
    """A disparity network; subclasses say how it is trained.

    Checkpoint keys: ``encoder.*`` and ``decoder.*``.

    Args:
        encoder (dict): Config of the encoder, ``ResNetStem``.
        decoder (dict): Config of the decoder, ``DisparityDecoder`` with a
            head for scale 0.
        eval_depth_range (Sequence[float]): (min, max) depth of the
            predictions, at disparity 1 and 0. Defaults to (0.1, 100).
        data_preprocessor (dict, optional): ``MultiBranchDataPreprocessor``
            to RGB in [0, 1] (mean 0, std 255). Defaults to None.
        init_cfg (dict, optional): Weight initialisation. Defaults to None.
    """

    unused_parameters: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        encoder: dict,
        decoder: dict,
        eval_depth_range: Sequence[float] = (0.1, 100.0),
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            data_preprocessor=data_preprocessor, init_cfg=init_cfg
        )
        self.encoder = MODELS.build(encoder)
        self.decoder = MODELS.build(decoder)
        self.eval_depth_range = tuple(eval_depth_range)

    @property
    def depth_parts(self) -> dict[str, list[str]]:
        """dict[str, list[str]]: Parts of a depth network (first level of its
        checkpoint's keys) and the modules here that start from them."""
        parts = ('encoder', 'decoder', 'pose_net')
        own = dict(self.named_children())
        return {part: [part] for part in parts if part in own}

    def forward(
        self, inputs: Any, data_samples: Any = None, mode: str = 'tensor'
    ) -> Any:
        """mmengine's entry point.

        Args:
            inputs: A tensor per branch in 'loss' mode, else (N, 3, H, W).
            data_samples: Samples per branch, or of the batch.
            mode (str): 'loss', 'predict' or 'tensor'.

        Returns:
            Losses; samples with ``pred_depth_map``; or disparity
            (N, 1, H, W).
        """
        if mode == 'loss':
            if not isinstance(inputs, dict) or not inputs:
                raise ValueError(
                    f'{type(self).__name__}.loss needs one tensor per '
                    'branch. End the training pipeline with MultiBranch; use '
                    'MultiBranchDataPreprocessor.'
                )
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.disparity(inputs)
        raise ValueError(
            f"mode={mode!r}; allowed: 'loss', 'predict', 'tensor'"
        )

    def loss(
        self, inputs: dict[str, Tensor], data_samples: dict[str, list]
    ) -> dict[str, Tensor]:
        """Losses of a batch."""
        raise NotImplementedError

    def disparity(self, images: Tensor) -> Tensor:
        """Disparity of scale 0, (N, 1, H, W) in (0, 1); large is near."""
        disparity = self.decoder(self.encoder(images)).disparities[0]
        return resize_to(disparity, images.shape[-2:])

    def predict(
        self, inputs: Tensor, data_samples: list | None = None
    ) -> list[SegDataSample]:
        """Depth at the original image size.

        Args:
            inputs (Tensor): (N, 3, H, W), RGB in [0, 1].
            data_samples (list, optional): Samples with ``ori_shape``.

        Returns:
            list[SegDataSample]: With ``pred_depth_map`` (1, H, W), up to
            scale unless the motion was metric.
        """
        disparity = self.disparity(inputs)
        samples = data_samples or [SegDataSample() for _ in inputs]
        near, far = self.eval_depth_range
        for own, sample in zip(disparity, samples, strict=True):
            size = sample.metainfo.get('ori_shape', own.shape[-2:])
            own = resize_to(own[None].float(), size[:2])[0]
            depth = disparity_to_depth(own, near, far)
            sample.set_data({'pred_depth_map': PixelData(data=depth)})
        return samples
