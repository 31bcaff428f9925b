# SPDX-License-Identifier: Apache-2.0
"""How many pixels of every class a network predicts in every image."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.runner import Runner
from mmseg.registry import METRICS
from torch import Tensor

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.datasets.conversion.class_stats import ClassStats
from mmseg_da.utils.checkpoint_guard import CheckpointGuard
from mmseg_da.utils.checkpoints import refuse_unsafe_checkpoints
from mmseg_da.utils.evaluation_options import drop_labels

from .views import classes_of

__all__ = ['PredictedPixels', 'predicted_class_stats']


@METRICS.register_module()
class PredictedPixels(BaseMetric):
    """Count the predicted pixels of every class, image by image.

    Gives the counts of the PNGs of :class:`PredictionWriter` without the
    files. There are no scores.

    Args:
        collect_device: ``'cpu'`` or ``'gpu'``, for several processes.
        prefix: Put before the names of the results, with a slash.

    Attributes:
        counts (dict[str, np.ndarray]): After an evaluation, on the main
            process: path of the image -> int64 (C,).
    """

    default_prefix = 'predicted_pixels'

    def __init__(
        self, collect_device: str = 'cpu', prefix: str | None = None
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.counts: dict[str, np.ndarray] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Count the predictions of a batch.

        Args:
            data_batch: Not used.
            data_samples: Predictions with ``pred_sem_seg`` data (1, H, W) of
                train ids, and ``img_path``.

        Raises:
            ValueError: A train id that the data do not have.
        """
        number = len(classes_of(self.dataset_meta))
        for sample in data_samples:
            labels: Tensor = sample['pred_sem_seg']['data'].flatten()
            counts = torch.bincount(labels, minlength=number).cpu().numpy()
            if len(counts) > number:
                raise ValueError(
                    f'{sample["img_path"]}: prediction holds train id '
                    f'{len(counts) - 1}, expected 0..{number - 1}. Give the '
                    'model and the data the same class view.'
                )
            self.results.append((sample['img_path'], counts))

    def compute_metrics(
        self, results: list[tuple[str, np.ndarray]]
    ) -> dict[str, float]:
        """Keep the counts; an image that came twice counts once."""
        self.counts = dict(results)
        return {}


def predicted_class_stats(
    cfg: Config,
    images: dict,
    checkpoint: str,
    save_predictions: str | None = None,
) -> ClassStats:
    """Predict every image of a data set and count the classes.

    Args:
        cfg: Config of the suite; its test settings and hooks run the
            network. Changed.
        images: Config of the unlabelled set, with the pipeline of a test.
        checkpoint: Weights.
        save_predictions: Folder for the predictions as PNGs of train ids.

    Returns:
        Pixel counts of all images, in the order of the set.

    Raises:
        ValueError: The weights or the class view do not fit.
    """
    cfg.test_evaluator = [dict(type='PredictedPixels')]
    if save_predictions:
        writer = dict(type='PredictionWriter', output_dir=save_predictions)
        cfg.test_evaluator.append(writer)
    with tempfile.TemporaryDirectory() as work_dir:
        runner = _build_runner(cfg, images, checkpoint, work_dir)
        runner.test()
        dataset = runner.test_dataloader.dataset
        counts = runner.test_evaluator.metrics[0].counts
    samples = [dataset.get_data_info(i) for i in range(len(dataset))]
    view = get_class_view(dataset.metainfo['class_view'])
    return ClassStats(
        tuple(sample['sample_stem'] for sample in samples),
        np.stack([counts[sample['img_path']] for sample in samples]),
        view.name,
        view.classes,
    )


def _build_runner(
    cfg: Config, images: dict, checkpoint: str, work_dir: str
) -> Runner:
    for key in list(cfg):
        if key.startswith(('train_', 'val_')) or key in (
            'optim_wrapper', 'param_scheduler',
        ):  # fmt: skip
            cfg[key] = None
    cfg.test_dataloader.dataset = {**images, 'test_mode': True}
    drop_labels(cfg)
    cfg.work_dir = work_dir
    # Runners of one process need different names.
    cfg.experiment_name = f'class_stats_{os.getpid()}_{time.monotonic_ns()}'
    cfg.load_from, cfg.resume = checkpoint, False
    refuse_unsafe_checkpoints()
    runner = Runner.from_cfg(cfg)
    runner.register_hook(CheckpointGuard(checkpoint))
    return runner
