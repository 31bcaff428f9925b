# SPDX-License-Identifier: Apache-2.0
"""Predicted depth as pictures to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS
from PIL import Image

from mmseg_da.datasets.image_files import decode_bgr, read_file
from mmseg_da.utils.files import atomic_write

__all__ = ['DepthPictures', 'color_depth']


def color_depth(depth: np.ndarray, color_map: str = 'magma') -> np.ndarray:
    """Colour a depth map: bright is near.

    Inverse depth from 0 to its 95th percentile, so that a few near pixels do
    not darken the rest.

    Args:
        depth: (H, W), positive; 0 or not finite is unknown.
        color_map: Name of a matplotlib colour map.

    Returns:
        uint8 RGB (H, W, 3); unknown pixels are grey.
    """
    known = np.isfinite(depth) & (depth > 0)
    inverse = np.where(known, 1 / np.where(known, depth, 1), 0)
    top = np.percentile(inverse[known], 95) if known.any() else 1.0
    colors = matplotlib.colormaps[color_map](np.clip(inverse / top, 0, 1))
    pixels = (255 * colors[..., :3]).astype(np.uint8)
    pixels[~known] = 128
    return pixels


@METRICS.register_module()
class DepthPictures(BaseMetric):
    """Write image, predicted and true depth above each other, as PNG.

    ``<output_dir>/<image stem>.png``; files of earlier runs are replaced.
    There are no scores.

    Args:
        output_dir: Folder to write.
        limit: Number of pictures (per process). Defaults to 20.
        color_map: Name of a matplotlib colour map. Defaults to 'magma'.
        collect_device: ``'cpu'`` or ``'gpu'``, for several processes.
        prefix: Put before the names of the results, with a slash.
    """

    default_prefix = 'depth_pictures'

    def __init__(
        self,
        output_dir: str,
        limit: int = 20,
        color_map: str = 'magma',
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.output_dir = Path(output_dir).expanduser().absolute()
        self.limit = limit
        self.color_map = color_map

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Write the pictures of a batch.

        Args:
            data_batch: Not used.
            data_samples: With ``img_path``, ``pred_depth_map`` and, if known,
                ``gt_depth_map``, both (1, H, W).
        """
        for sample in data_samples:
            if len(self.results) >= self.limit:
                return
            path = self.output_dir / f'{Path(sample["img_path"]).stem}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as temporary:
                Image.fromarray(self._picture(sample)).save(
                    temporary, format='PNG'
                )
            self.results.append(str(path))

    def compute_metrics(self, results: list[str]) -> dict[str, float]:
        """Say where the pictures are; there are no scores."""
        print_log(
            f'{len(results)} depth pictures are in {self.output_dir}',
            logger='current',
        )
        return {}

    def _picture(self, sample: dict) -> np.ndarray:
        path = sample['img_path']
        rows = [decode_bgr(read_file(path), path)[..., ::-1]]
        for key in ('pred_depth_map', 'gt_depth_map'):
            if key in sample:
                depth = sample[key]['data'].squeeze(0).float().cpu().numpy()
                rows.append(color_depth(depth, self.color_map))
        size = rows[0].shape[1], rows[0].shape[0]
        return np.concatenate(
            [np.asarray(Image.fromarray(x).resize(size)) for x in rows]
        )
