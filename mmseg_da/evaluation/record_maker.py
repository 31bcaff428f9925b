# SPDX-License-Identifier: Apache-2.0
"""The record of a test, read off the Runner that ran it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.registry import MODELS

import mmseg_da
from mmseg_da.datasets.digest import digest_samples
from mmseg_da.engine.code_hash import hash_package
from mmseg_da.engine.hashing import hash_config, hash_file
from mmseg_da.reporting.machine import describe_machine, describe_versions
from mmseg_da.utils.process_memory import own_peak_memory_mib
from mmseg_da.version import __version__

from .record_schema import (
    CheckpointInfo,
    CodeInfo,
    ConfigInfo,
    Cost,
    Protocol,
    Record,
    Scores,
    split_name,
)
from .records import make_scores
from .subset_iou_metric import SubsetIoUMetric
from .views import subset_indices


class RecordHook(Hook):
    """Notice what a record needs while the test runs.

    Put in by ``tools/test.py``, not by configs.

    Attributes:
        sizes: (width, height) of the predictions.
        seconds: Wall time from the first image to the scores.
        preparation: Wall time that other hooks took before the first image.
    """

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self.sizes: set[tuple[int, int]] = set()
        self.seconds = self.preparation = 0.0
        self.seed: int | None = None
        self.iteration: int | None = None
        self._start = 0.0

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep seed and iteration of the training."""
        meta = checkpoint.get('meta') or {}
        self.seed, self.iteration = meta.get('seed'), meta.get('iter')

    def before_test(self, runner: Runner) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def before_test_epoch(self, runner: Runner) -> None:
        """Start it again: hooks like TargetBNHook have done their work."""
        now = time.perf_counter()
        self.preparation, self._start = now - self._start, now

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Keep the sizes of the predictions."""
        for sample in outputs or ():
            # Depth networks predict no classes.
            maps = getattr(sample, 'pred_sem_seg', None)
            if maps is None:
                maps = sample.pred_depth_map
            height, width = maps.shape[-2:]
            self.sizes.add((int(width), int(height)))

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Stop the clock."""
        self.seconds = time.perf_counter() - self._start


def make_record(
    runner: Runner,
    hook: RecordHook,
    metrics: Mapping[str, float],
    config: str | Path,
    checkpoint: str | Path,
    tta: bool,
) -> Record:
    """Put a record together after a test.

    Recipe and stages are those of a test by hand; a recipe fills in its own.

    Args:
        runner: Runner that ran the test.
        hook: Was registered before it.
        metrics: What the test returned.
        config: Config file.
        checkpoint: Weights.
        tta: Test-time augmentation.
    """
    name, weights = Path(config).stem, Path(checkpoint)
    method, direction, variant = split_name(name)
    meta = getattr(runner.test_dataloader.dataset, 'metainfo', {})
    classes = tuple(meta.get('classes', ()))
    selection = 'best' if weights.name.startswith('best_') else 'last'
    protocol = _protocol(runner, hook, classes, tta)
    return Record(
        created=datetime.now(timezone.utc).isoformat(timespec='seconds'),
        recipe=name,
        stage='test',
        method=method,
        direction=direction,
        variant=variant,
        seed=hook.seed,
        repeat=0,
        selection=selection,
        predict_on=getattr(_model(runner), 'predict_on', 'segmentor'),
        config=ConfigInfo(name, hash_config(runner.cfg)),
        code=describe_code(),
        checkpoint=_weights(weights, hook),
        data={'test': protocol.data_sha256},
        protocol=protocol,
        classes=classes,
        scores=_scores(runner, metrics, classes),
        curves={},
        cost=_cost(hook, protocol.images),
        versions=describe_versions(),
        machine=describe_machine(),
    )


def describe_code() -> CodeInfo:
    """Version, git commit and hash of the code that runs."""
    root = Path(mmseg_da.__file__).resolve().parents[1]
    commit = dirty = None
    if (root / '.git').exists():
        commit = _git(root, 'rev-parse', 'HEAD')
        changes = _git(root, 'status', '--porcelain')
        dirty = None if changes is None else bool(changes)
    return CodeInfo(__version__, commit, dirty, hash_package(), False)


def require_classes(cfg: Config, what: str) -> None:
    """Refuse a record of a network that predicts no classes.

    Args:
        cfg: The config, before test-time augmentation wraps its model.
        what: What asks for a record, for the message.

    Raises:
        ValueError: The model is no segmentor, e.g. a depth network.
    """
    kind = (cfg.get('model') or {}).get('type')
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    if isinstance(kind, type) and not issubclass(kind, BaseSegmentor):
        raise ValueError(
            f'{what}: {kind.__name__} predicts no classes (depth, for '
            'example), and a record holds their IoU, so there is none. '
            'tools/test.py without --json and --record prints the errors and '
            'writes them to WORK_DIR/<time>/<time>.json (docs/records.md).'
        )


def has_scores(evaluator: Any) -> bool:
    """Whether a config's evaluator has the metric that records need."""
    items = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    return any(item.get('type') == 'SubsetIoUMetric' for item in items)


def _scores(
    runner: Runner, metrics: Mapping[str, float], classes: tuple[str, ...]
) -> Scores | None:
    for metric in runner.test_loop.evaluator.metrics:
        if isinstance(metric, SubsetIoUMetric):
            scores = make_scores(dict(metrics), metric.last_confusion, classes)
            return scores
    return None


def _protocol(
    runner: Runner, hook: RecordHook, classes: tuple[str, ...], tta: bool
) -> Protocol:
    dataset = runner.test_dataloader.dataset
    meta = getattr(dataset, 'metainfo', {})
    view = meta.get('class_view') or ''
    model = _model(runner)
    corners = ', align_corners' if model.align_corners else ''
    size = next(iter(hook.sizes)) if len(hook.sizes) == 1 else None
    resized = input_size(runner.cfg)
    predictor = getattr(model, 'predictor', model)
    once = getattr(predictor, 'one_step_resize', False)
    # From input to output of the same size there is one step anyway.
    steps = ', one step' if once and resized not in (None, size) else ''
    return Protocol(
        class_view=view,
        dataset=meta.get('dataset_name') or type(dataset).__name__,
        data_sha256=digest_samples(dataset),
        images=len(dataset),
        input_size=resized,
        evaluation_size=size,
        interpolation=f'bilinear{corners}{steps}',
        inference=_inference(predictor),
        tta=tta,
        subsets=tuple(subset_indices(None, classes, view or None)),
    )


def input_size(cfg: Config) -> tuple[int, ...] | None:
    """(width, height) to which the test pipeline resizes, None if none.

    With test-time augmentation the first resize counts.
    """
    dataset = cfg.test_dataloader.dataset
    while 'datasets' in dataset or 'dataset' in dataset:
        inner = dataset.get('datasets') or [dataset['dataset']]
        dataset = inner[0]
    steps = list(dataset.get('pipeline', ()))
    while steps:
        step = steps.pop(0)
        if isinstance(step, (list, tuple)):
            steps = [*step, *steps]
            continue
        if step['type'] == 'Resize' and step.get('scale'):
            scale = step['scale']
            sides = scale if isinstance(scale, (list, tuple)) else (scale,) * 2
            return None if step.get('keep_ratio') else tuple(sides)
        steps = [*step.get('transforms', ()), *steps]
    return None


def _inference(segmentor: Any) -> str:
    options = segmentor.test_cfg or {}
    mode = options.get('mode', 'whole')
    if mode != 'slide':
        return mode
    sides = (*options['crop_size'], *options['stride'])
    return 'slide {}x{} {}x{}'.format(*sides)


def _weights(path: Path, hook: RecordHook) -> CheckpointInfo:
    return CheckpointInfo(path.name, hash_file(path), hook.iteration)


def _cost(hook: RecordHook, images: int) -> Cost:
    cuda = None
    if torch.cuda.is_available():
        cuda = torch.cuda.max_memory_allocated() / 2**20
    return Cost(
        preparation_seconds=hook.preparation,
        test_seconds=hook.seconds,
        images_per_second=images / max(hook.seconds, 1e-9),
        peak_rss_mib=own_peak_memory_mib(),
        peak_cuda_mib=cuda,
        processes=get_world_size(),
        stages=(),
    )


def _model(runner: Runner) -> Any:
    """The segmentor inside of wrappers for several processes and TTA."""
    model = runner.model
    while hasattr(model, 'module') and not hasattr(model, 'align_corners'):
        model = model.module
    return model


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ['git', '-C', str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
