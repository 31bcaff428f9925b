# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

__all__ = ['PartlyLabeledDataset']


@DATASETS.register_module()
class PartlyLabeledDataset(BaseDataset):
    """All images of a domain, of which some bring their labels.

    The unlabelled loader of SDE with ``mix_use_gt`` (Hoyer et al., CVPR
    2021): every image is drawn equally often, and only for the labelled ones
    a label file is looked for. Labelled images come first.

    Args:
        labeled: Dataset or config of the labelled images; its pipeline loads
            the labels.
        unlabeled: Dataset or config of all others (``labeled=False``,
            ``indices='rest:...'``), with the same branch.

    Raises:
        ValueError: If the classes differ or an image is in both.
    """

    def __init__(
        self, labeled: BaseDataset | dict, unlabeled: BaseDataset | dict
    ) -> None:
        self.parts = [
            DATASETS.build(part) if isinstance(part, dict) else part
            for part in (labeled, unlabeled)
        ]
        classes = [tuple(part.metainfo['classes']) for part in self.parts]
        if classes[0] != classes[1]:
            raise ValueError(
                f'PartlyLabeledDataset: labeled has {len(classes[0])} and '
                f'unlabeled {len(classes[1])} classes, or other ones; give '
                'both the same class_view'
            )
        super().__init__(serialize_data=False)

    @property
    def metainfo(self) -> dict:
        """Meta information of the labelled part."""
        return self.parts[0].metainfo

    def full_init(self) -> None:
        """List the files of both parts."""
        for part in self.parts:
            part.full_init()
        paths = [
            {part.get_data_info(i)['img_path'] for i in range(len(part))}
            for part in self.parts
        ]
        both = sorted(paths[0] & paths[1])
        if both:
            raise ValueError(
                f'PartlyLabeledDataset: {len(both)} images are in labeled '
                f'and in unlabeled, e.g. {both[0]}; with '
                "labeled=dict(indices=X) use unlabeled=dict(indices='rest:X')"
            )
        self._fully_initialized = True

    def get_data_info(self, idx: int) -> dict:
        """Sample ``idx`` before its pipeline."""
        part, local = self._find(idx)
        return part.get_data_info(local)

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __getitem__(self, idx: int) -> Any:
        part, local = self._find(idx)
        return part[local]

    def _find(self, idx: int) -> tuple[BaseDataset, int]:
        first = len(self.parts[0])
        if idx < first:
            return self.parts[0], idx
        return self.parts[1], idx - first
