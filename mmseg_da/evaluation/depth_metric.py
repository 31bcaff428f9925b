# SPDX-License-Identifier: Apache-2.0
"""Errors of predicted depth, beside what predicts without looking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS

__all__ = ['DepthErrors', 'depth_errors', 'mean_depth_maps']

NAMES = ('abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'a1', 'a2', 'a3')


def depth_errors(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Errors of Eigen et al., NeurIPS 2014, over the pixels given.

    Args:
        prediction: (P,) depths, positive.
        truth: (P,) depths in the same unit, positive; P > 0.

    Returns:
        float64 (7,): mean |d| / truth; mean d^2 / truth (metres); root mean
        d^2 (metres); the same of logarithms; shares with a ratio below 1.25,
        1.25^2 and 1.25^3.
    """
    prediction = prediction.astype(np.float64)
    truth = truth.astype(np.float64)
    error = prediction - truth
    ratio = np.maximum(prediction / truth, truth / prediction)
    logs = np.log(prediction) - np.log(truth)
    return np.array(
        [
            np.mean(np.abs(error) / truth),
            np.mean(error**2 / truth),
            np.sqrt(np.mean(error**2)),
            np.sqrt(np.mean(logs**2)),
            *(np.mean(ratio < 1.25**k) for k in (1, 2, 3)),
        ]
    )


def mean_depth_maps(maps: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """For every image the mean depth map of all OTHER images.

    Args:
        maps: (M, h, w) depths.
        valid: (M, h, w) bool.

    Returns:
        float64 (M, h, w); a pixel that no other image knows gets the mean of
        the others' pixels.
    """
    known = np.where(valid, maps, 0).astype(np.float64)
    total, count = known.sum(0), valid.sum(0)
    others = total[None] - known
    number = count[None] - valid
    everything = others.sum((1, 2)) / np.maximum(number.sum((1, 2)), 1)
    filled = np.broadcast_to(everything[:, None, None], others.shape)
    return np.where(number > 0, others / np.maximum(number, 1), filled)


@METRICS.register_module()
class DepthErrors(BaseMetric):
    """Depth metrics with median scaling, the protocol of monocular depth.

    Per image: abs rel, sq rel, RMSE, RMSE log, a1 to a3 over the pixels whose
    true depth lies between ``min_depth`` and ``max_depth``; the prediction is
    multiplied by median(truth) / median(prediction) and clipped to that
    range. Results are means over images. ``scale`` is the mean of those
    factors and ``scale_spread`` their standard deviation over their mean
    (near 0: the depth is metric up to one number).

    Beside it stand two predictors that never look at the image, both scaled
    likewise: ``constant_*``, one depth everywhere, and ``mean_map_*``, the
    mean depth map of the OTHER images of the set, on every
    ``baseline_stride``-th pixel of rows and columns. A depth network has to
    beat the second to have learned anything.

    Args:
        min_depth: Metres. Defaults to 1e-3.
        max_depth: Metres. Defaults to 80.
        valid_rows: Rows from int(valid_rows * H) on are not scored, e.g.
            0.87 for the own car. Defaults to 1, all.
        median_scaling: False takes the prediction as metres. Defaults to
            True.
        baseline_stride: See above; 0 leaves the two predictors out. Defaults
            to 4.
        collect_device: ``'cpu'`` or ``'gpu'``, for several processes.
        prefix: Put before the names of the results, with a slash.

    Raises:
        ValueError: An empty depth range, or no pixel of known depth.
    """

    default_prefix = 'depth'

    def __init__(
        self,
        min_depth: float = 1e-3,
        max_depth: float = 80.0,
        valid_rows: float = 1.0,
        median_scaling: bool = True,
        baseline_stride: int = 4,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if not 0 < min_depth < max_depth:
            raise ValueError(
                f'DepthErrors: min_depth={min_depth}, max_depth={max_depth}; '
                'expected 0 < min_depth < max_depth, in metres'
            )
        self.range = (min_depth, max_depth)
        self.valid_rows = valid_rows
        self.median_scaling = median_scaling
        self.stride = baseline_stride

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Measure the predictions of a batch.

        Args:
            data_batch: Not used.
            data_samples: With ``pred_depth_map`` and ``gt_depth_map``, both
                (1, H, W); truth outside the depth range is not scored.

        Raises:
            ValueError: No truth, another size, or a prediction that is not
                positive and finite.
        """
        for sample in data_samples:
            prediction, truth = self._maps(sample)
            truth[int(self.valid_rows * len(truth)) :] = 0
            valid = self._valid(truth)
            if not valid.any():
                continue
            values, scale = self._errors(prediction[valid], truth[valid])
            small = truth[:: self.stride or 1, :: self.stride or 1]
            kept = small.astype(np.float32) if self.stride else None
            self.results.append((values, scale, kept))

    def compute_metrics(self, results: list[tuple]) -> dict[str, float]:
        """Average over the images.

        Args:
            results: Errors, scale factor and reduced truth of every image.

        Returns:
            See the class.

        Raises:
            ValueError: No image has a pixel of known depth.
        """
        if not results:
            raise ValueError(
                'DepthErrors: no pixel of any image has a true depth between '
                f'{self.range[0]} and {self.range[1]} m. Check the depth or '
                'disparity loader of the pipeline.'
            )
        scales = np.array([scale for _, scale, _ in results])
        scores = dict(
            zip(NAMES, np.mean([r[0] for r in results], 0), strict=True)
        )
        scores['scale'] = scales.mean()
        scores['scale_spread'] = scales.std() / scales.mean()
        if self.stride:
            scores |= self._baselines([r[2] for r in results])
        return {name: float(value) for name, value in scores.items()}

    def _baselines(self, truths: list[np.ndarray]) -> dict[str, float]:
        found = {'constant': [np.ones_like(x) for x in truths]}
        if len(truths) > 1 and len({x.shape for x in truths}) == 1:
            maps = np.stack(truths)
            found['mean_map'] = mean_depth_maps(maps, self._valid(maps))
        scores = {}
        for name, predictions in found.items():
            rows = []
            for prediction, truth in zip(predictions, truths, strict=True):
                valid = self._valid(truth)
                if valid.any():
                    rows.append(
                        self._errors(prediction[valid], truth[valid], True)[0]
                    )
            mean = np.mean(rows, 0)
            scores[f'{name}_abs_rel'], scores[f'{name}_a1'] = mean[0], mean[4]
        return scores

    def _valid(self, truth: np.ndarray) -> np.ndarray:
        return (truth > self.range[0]) & (truth < self.range[1])

    def _errors(
        self, prediction: np.ndarray, truth: np.ndarray, scaled: bool = False
    ) -> tuple[np.ndarray, float]:
        scale = float(np.median(truth) / np.median(prediction))
        if self.median_scaling or scaled:
            prediction = prediction * scale
        return depth_errors(np.clip(prediction, *self.range), truth), scale

    @staticmethod
    def _maps(sample: dict) -> tuple[np.ndarray, np.ndarray]:
        path = sample.get('img_path')
        if 'gt_depth_map' not in sample:
            raise ValueError(
                f'DepthErrors: {path} has no true depth. Put LoadDisparity('
                "output='depth') or LoadDepth into the pipeline of the "
                'evaluated set.'
            )
        truth = sample['gt_depth_map']['data'].squeeze(0).cpu().numpy().copy()
        depth = sample['pred_depth_map']['data'].squeeze(0).float()
        prediction = depth.cpu().numpy()
        if prediction.shape != truth.shape:
            raise ValueError(
                f'DepthErrors: {path}: prediction of {prediction.shape}, '
                f'truth of {truth.shape} (height, width). Load the truth '
                'behind the Resize of the pipeline, at its own size.'
            )
        if not (np.isfinite(prediction).all() and prediction.min() > 0):
            raise ValueError(
                f'DepthErrors: {path}: the predicted depth is not positive '
                'and finite everywhere; the network has diverged.'
            )
        return prediction, truth
