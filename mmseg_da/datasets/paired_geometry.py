# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset, Compose
from mmseg.registry import DATASETS

from .geometry_matching import DISPARITY_SCALES, best_match

__all__ = ['PairedGeometryDataset']

Transform = Callable[[dict], dict]


@DATASETS.register_module()
class PairedGeometryDataset(BaseDataset):
    """Target images, each with a source image of similar geometry.

    Item k is target item k with the best of ``num_candidates`` source items,
    drawn with replacement, all with their own random flip and crop. Of the
    candidates only the disparity is loaded (``source_geometry``); the best
    one is then loaded whole, with the same flip and crop. Both pipelines end
    in :class:`MultiBranch`; the branches that the source fills are added to
    those of the target, so a batch holds aligned pairs: source image i
    matches target image i. The draw seeds everything
    (:class:`DomainConcatDataset`), which keeps resuming exact.

    Source and target disparity are compared as they are loaded (SDE compares
    raw source with min-max normalised target disparity).

    Args:
        target: Target dataset or config.
        source: Source dataset or config.
        source_geometry: Pipeline that gives ``geometry_key`` of a source
            item without its image: :class:`BlankImage`, the loading of the
            disparity, and the flip and crop of the source's pipeline.
        target_branch: Branch whose sample holds the target's disparity.
        source_branch: The same for the source.
        geometry_key: Its name in the data sample, (1, H, W) or (H, W), and
            in ``source_geometry``.
        num_candidates: Source items looked at.
        disp_scale: Key of :data:`DISPARITY_SCALES`.
        ignore_top: Rows of the crop ignored at the top.
        ignore_bottom: Rows of the crop ignored at the bottom.

    Raises:
        ValueError: Bad argument, different classes, a branch filled by both
            sides, a sample without disparity, or a ``source_geometry`` that
            crops otherwise than the source's pipeline.
    """

    def __init__(
        self,
        target: BaseDataset | dict,
        source: BaseDataset | dict,
        source_geometry: Sequence[Transform | dict],
        target_branch: str = 'target',
        source_branch: str = 'source',
        geometry_key: str = 'disparity',
        num_candidates: int = 5,
        disp_scale: str = 'log1',
        ignore_top: int = 80,
        ignore_bottom: int = 100,
    ) -> None:
        if num_candidates < 1 or disp_scale not in DISPARITY_SCALES:
            raise ValueError(
                f'PairedGeometryDataset: num_candidates={num_candidates}, '
                f'disp_scale={disp_scale!r}; expected >= 1 and one of '
                f'{", ".join(DISPARITY_SCALES)}'
            )
        self.target = DATASETS.build(target) if _is_config(target) else target
        self.source = DATASETS.build(source) if _is_config(source) else source
        classes = [x.metainfo['classes'] for x in (self.target, self.source)]
        if tuple(classes[0]) != tuple(classes[1]):
            raise ValueError(
                f'PairedGeometryDataset: target has {len(classes[0])} and '
                f'source {len(classes[1])} classes, or other ones; give both '
                'the same class_view'
            )
        self.glance = Compose(source_geometry)
        self.target_branch = target_branch
        self.source_branch = source_branch
        self.geometry_key = geometry_key
        self.num_candidates = num_candidates
        self.rule = (disp_scale, ignore_top, ignore_bottom)
        super().__init__(serialize_data=False)

    @property
    def metainfo(self) -> dict:
        """Meta information of the target."""
        return self.target.metainfo

    def full_init(self) -> None:
        """List the files of both sides."""
        self.target.full_init()
        self.source.full_init()
        self._fully_initialized = True

    def get_data_info(self, idx: int) -> dict:
        """Sample ``idx`` of the target, before its pipeline."""
        return self.target.get_data_info(idx)

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, idx: int) -> dict[str, Any]:
        target = self.target[idx]
        wanted = self._geometry(target, self.target_branch)
        picks = np.random.randint(len(self.source), size=self.num_candidates)
        states, maps = [], []
        for pick in picks:
            states.append(np.random.get_state())
            maps.append(self._glance(int(pick)))
        best = best_match(wanted, maps, *self.rule)
        # The random numbers of its glance again: the same flip and crop.
        np.random.set_state(states[best])
        source = self.source[int(picks[best])]
        found = self._geometry(source, self.source_branch)
        if not np.array_equal(found, maps[best]):
            raise ValueError(
                'PairedGeometryDataset: source_geometry gives another '
                f'{self.geometry_key!r} than the pipeline of the source, for '
                f'{self.source.get_data_info(int(picks[best]))["img_path"]}. '
                'Both need the same loading, flip and crop, in this order, '
                'and no other random transform before them.'
            )
        return _join(target, source)

    def _glance(self, index: int) -> np.ndarray:
        """Disparity (H, W) of a source item, flipped and cropped."""
        results = self.glance(self.source.get_data_info(index))
        if self.geometry_key not in results:
            raise ValueError(
                f'PairedGeometryDataset: source_geometry gives no '
                f'{self.geometry_key!r}; let it load the disparity'
            )
        return np.asarray(results[self.geometry_key], np.float64)

    def _geometry(self, packed: dict, branch: str) -> np.ndarray:
        sample = packed['data_samples'].get(branch)
        if sample is None or self.geometry_key not in sample:
            raise ValueError(
                f'PairedGeometryDataset: branch {branch!r} has no '
                f'{self.geometry_key!r}. Load the disparity before the '
                'geometric transforms of both pipelines (and name it in '
                'pixel_keys of PackUDAInputs); matching geometry cannot work '
                'without it.'
            )
        data = sample.get(self.geometry_key).data
        array = np.asarray(data, np.float64)
        return array[0] if array.ndim == 3 else array


def _is_config(value: BaseDataset | dict) -> bool:
    return isinstance(value, dict)


def _join(target: dict, source: dict) -> dict[str, Any]:
    """Fill the target's empty branches from the source."""
    joined = {part: dict(content) for part, content in target.items()}
    for part, content in source.items():
        for branch, value in content.items():
            if value is None:
                joined[part].setdefault(branch, None)
            elif joined[part].get(branch) is None:
                joined[part][branch] = value
            else:
                raise ValueError(
                    f'PairedGeometryDataset: both pipelines fill branch '
                    f'{branch!r}; give each its own'
                )
    return joined
