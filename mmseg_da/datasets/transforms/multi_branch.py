# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from collections.abc import Sequence

from mmcv.transforms import BaseTransform, Compose
from mmseg.registry import TRANSFORMS

BRANCHES = (
    'source',
    'target',
    'target_labeled',
    'target_weak',
    'target_strong',
    'target_views',
)


@TRANSFORMS.register_module()
class MultiBranch(BaseTransform):
    """Send one sample through one pipeline per branch (mmdet's convention).

    The last step of every training pipeline. Branches of ``branch_field``
    that this pipeline does not fill come out as None place-holders, because
    ``pseudo_collate`` needs the same keys in every sample of a batch;
    :class:`MultiBranchDataPreprocessor` drops them.

    Args:
        branch_field (Sequence[str]): All branch names of the batch, the same
            in every pipeline of the training set. Defaults to the suite's
            names, so that pipelines of different methods combine freely.
        **branch_pipelines (list[dict]): One list of transforms per branch
            this sample feeds; each ends in :class:`PackUDAInputs`.

    Raises:
        ValueError: If a pipeline's branch is not in ``branch_field``, or
            there is no pipeline.

    Example:
        >>> dict(type='MultiBranch', source=[dict(type='PackUDAInputs')])
    """

    def __init__(
        self,
        branch_field: Sequence[str] = BRANCHES,
        **branch_pipelines: list[dict],
    ) -> None:
        unknown = sorted(set(branch_pipelines) - set(branch_field))
        if unknown or not branch_pipelines:
            raise ValueError(
                f'MultiBranch: pipelines for {sorted(branch_pipelines)}, but '
                f'branch_field={list(branch_field)}. Give at least one '
                'pipeline and list every branch name in branch_field.'
            )
        self.branch_field = list(branch_field)
        self.branch_pipelines = {
            branch: Compose(pipeline)
            for branch, pipeline in branch_pipelines.items()
        }

    def transform(self, results: dict) -> dict:
        """Run every branch pipeline on its own copy of ``results``.

        Returns:
            dict: ``{'inputs': {branch: Tensor | None}, 'data_samples':
            {branch: SegDataSample | None}}``.
        """
        packed: dict = {
            'inputs': dict.fromkeys(self.branch_field),
            'data_samples': dict.fromkeys(self.branch_field),
        }
        several = len(self.branch_pipelines) > 1
        for branch, pipeline in self.branch_pipelines.items():
            sample = pipeline(copy.deepcopy(results) if several else results)
            packed['inputs'][branch] = sample['inputs']
            packed['data_samples'][branch] = sample['data_samples']
        return packed

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(branch_field={self.branch_field}, '
            f'branch_pipelines={self.branch_pipelines})'
        )
