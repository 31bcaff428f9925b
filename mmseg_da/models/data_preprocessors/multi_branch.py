# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from mmengine.model import BaseDataPreprocessor
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class MultiBranchDataPreprocessor(BaseDataPreprocessor):
    """Run a segmentation preprocessor on every branch of a batch.

    In training the collated batch is ``{'inputs': {branch: [Tensor | None]},
    'data_samples': {branch: [SegDataSample | None]}}``; None place-holders
    are dropped and each branch becomes one (N, 3, H, W) float tensor. In
    validation and test the batch has no branches and goes straight through,
    so those pipelines stay ordinary mmseg pipelines.

    Args:
        data_preprocessor (dict): Config of the preprocessor of all branches
            and of testing, e.g. ``SegDataPreProcessor`` with ``size``.
        branch_preprocessors (dict[str, dict], optional): Configs for branches
            that differ (other mean, other size). Defaults to None.
    """

    def __init__(
        self,
        data_preprocessor: dict,
        branch_preprocessors: dict[str, dict] | None = None,
    ) -> None:
        super().__init__()
        self.data_preprocessor = MODELS.build(data_preprocessor)
        self.branch_preprocessors = nn.ModuleDict(
            {
                branch: MODELS.build(config)
                for branch, config in (branch_preprocessors or {}).items()
            }
        )

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Normalise, pad and stack every branch.

        Args:
            data (dict): A collated batch.
            training (bool): Whether to pad to the training size.

        Returns:
            dict: ``inputs`` and ``data_samples``, each keyed by branch in
            training; every sample has ``pad_shape`` set, labelled or not.
        """
        if not isinstance(data['inputs'], dict):
            return self.data_preprocessor(data, training)
        inputs, data_samples = {}, {}
        for branch, images in data['inputs'].items():
            present = [
                i for i, image in enumerate(images) if image is not None
            ]
            if not present:
                continue
            samples = data['data_samples'][branch]
            processed = self._preprocessor_of(branch)(
                {
                    'inputs': [images[i] for i in present],
                    'data_samples': [samples[i] for i in present],
                },
                training,
            )
            inputs[branch] = processed['inputs']
            data_samples[branch] = processed['data_samples']
            _complete_pad_shape(inputs[branch], data_samples[branch])
        return {'inputs': inputs, 'data_samples': data_samples}

    def _preprocessor_of(self, branch: str) -> nn.Module:
        if branch in self.branch_preprocessors:
            return self.branch_preprocessors[branch]
        return self.data_preprocessor


def _complete_pad_shape(images: Any, data_samples: list) -> None:
    # mmseg's stack_batch leaves pad_shape=None on samples without labels.
    for sample in data_samples:
        if sample.metainfo.get('pad_shape') is None:
            sample.set_metainfo({'pad_shape': tuple(images.shape[-2:])})
