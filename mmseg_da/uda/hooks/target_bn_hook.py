# SPDX-License-Identifier: Apache-2.0
"""AdaBN: BatchNorm statistics of the target domain."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.dist import get_dist_info
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import DATASETS, HOOKS
from torch import nn
from torch.utils.data import DataLoader

from mmseg_da.engine.bn_statistics import (
    collect_statistics,
    has_sync_bn,
    norm_layers,
)
from mmseg_da.engine.rng import preserve_rng


@HOOKS.register_module()
class TargetBNHook(Hook):
    """Re-estimate BatchNorm statistics on unlabelled target images.

    AdaBN (Li et al., arXiv 1603.04779): the weights stay, each BatchNorm of
    the segmentor gets the mean over target batches of the batch mean and the
    unbiased batch variance (what ``momentum=None`` does), so the estimator is
    the one of ordinary training and only the domain differs. BatchNorm runs
    on batch statistics meanwhile, all else in eval mode, without gradients;
    random generators keep their states.

    It acts in ``after_train_iter`` before the checkpoint and the validation,
    at multiples of ``interval`` and at the last iteration, and before a test,
    where it makes the AdaBN row of any source-only checkpoint. The result
    does not depend on the statistics before, so repeating changes nothing.
    Training normalises with batch statistics: the weights' trajectory is the
    same with and without the hook.

    The same images form the same batches in one and in several processes
    (batches are dealt out in turn); sums are taken in float64.

    Args:
        dataloader (dict): Config with ``dataset`` (or a built one),
            ``batch_size`` and ``num_workers``; the pipeline is that of a
            test. ``sampler`` is not looked at: ``num_images`` evenly spaced
            images are used.
        num_images (int): Number of target images, rounded down to whole
            batches; at most all. Defaults to 200.
        interval (int, optional): Iterations between two estimates; use the
            one of validation or checkpoints. Defaults to None, only the last.
        on_test (bool): Whether to act before a test. Defaults to True.
        at_start (bool): Whether to act once before the first iteration and
            never after: the start of a method that freezes the statistics.
            Defaults to False.

    Raises:
        ValueError: If an argument is out of range; before training or
            testing, if the segmentor has no BatchNorm with running
            statistics, some are frozen while training (their trajectory
            would change), the target set is empty, or a batch is too small.
    """

    priority = 'LOW'

    def __init__(
        self,
        dataloader: dict,
        num_images: int = 200,
        interval: int | None = None,
        on_test: bool = True,
        at_start: bool = False,
    ) -> None:
        for name, value in (
            ('num_images', num_images),
            ('interval', interval),
        ):
            if value is not None and value < 1:
                raise ValueError(f'TargetBNHook.{name}={value} must be >= 1')
        missing = sorted({'dataset', 'batch_size'} - dataloader.keys())
        if missing:
            raise ValueError(
                f'TargetBNHook.dataloader lacks {missing}; give the dataset '
                'of unlabelled target images, batch_size and num_workers'
            )
        self.dataloader_cfg = dataloader
        self.num_images = num_images
        self.interval = interval
        if at_start and interval is not None:
            raise ValueError(
                f'TargetBNHook.interval={interval} does not go with '
                'at_start=True, which acts only before the first iteration'
            )
        self.on_test = on_test and not at_start
        self.at_start = at_start
        self._loader: DataLoader | None = None

    def before_train(self, runner: Runner) -> None:
        """Check model and target set, so that nothing fails hours later."""
        if self.at_start:
            if runner.iter == 0:
                self.estimate(runner)
            return
        runner.model.train()
        frozen = [
            name
            for name, layer in norm_layers(_segmentor(runner)).items()
            if not layer.training
        ]
        if frozen:
            raise ValueError(
                'TargetBNHook: the model trains with frozen BatchNorm '
                f'statistics ({", ".join(frozen[:3])}; {len(frozen)} layers), '
                'so replacing them would change the training; set '
                'norm_eval=False, take at_start=True, or use the hook for '
                'testing only'
            )
        self._get_loader(runner)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Re-estimate at multiples of the interval and at the end."""
        if self.at_start:
            return
        due = self.interval and self.every_n_train_iters(runner, self.interval)
        if due or self.is_last_train_iter(runner):
            self.estimate(runner)

    def before_test_epoch(self, runner: Runner) -> None:
        """Re-estimate before a test."""
        if self.on_test:
            self.estimate(runner)

    def estimate(self, runner: Runner) -> None:
        """Replace the running statistics of the segmentor."""
        preprocess = _unwrap(runner.model).data_preprocessor
        segmentor = _segmentor(runner)
        loader = self._get_loader(runner)
        with preserve_rng(), collect_statistics(segmentor):
            for data in loader:
                data = preprocess(data, False)
                segmentor(data['inputs'], data['data_samples'], mode='tensor')

    def _get_loader(self, runner: Runner) -> DataLoader:
        if self._loader is None:
            cfg = copy.deepcopy(self.dataloader_cfg)
            for name in ('sampler', 'drop_last', 'persistent_workers'):
                cfg.pop(name, None)
            dataset = cfg.pop('dataset')
            if isinstance(dataset, dict):
                dataset = DATASETS.build(dataset)
            if len(dataset) == 0:
                raise ValueError(
                    'TargetBNHook.dataloader.dataset has no image; check its '
                    'data_root and data_prefix'
                )
            batches = _deal_batches(
                len(dataset),
                self.num_images,
                cfg.pop('batch_size'),
                has_sync_bn(_segmentor(runner)),
            )
            cfg.update(dataset=dataset, sampler=None, batch_sampler=batches)
            self._loader = runner.build_dataloader(cfg, seed=runner.seed)
        return self._loader


def _unwrap(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model


def _segmentor(runner: Runner) -> nn.Module:
    model = _unwrap(runner.model)
    return getattr(model, 'segmentor', model)


def _deal_batches(
    length: int, num_images: int, batch_size: int, equal_share: bool
) -> list[list[int]]:
    """Return this process's batches of evenly spaced dataset indices.

    Every batch spans the whole set. Batches are full (one smaller batch if
    there are fewer images). ``equal_share`` gives all processes equally many,
    which synchronised BatchNorm needs.
    """
    rank, world = get_dist_info()
    size = min(batch_size, num_images, length)
    count = min(num_images, length) // size
    if equal_share:
        count -= count % world
    if count == 0:
        raise ValueError(
            f'TargetBNHook: {min(num_images, length)} images are fewer than '
            f'one batch of {size} for each of the {world} processes that '
            'SyncBN needs; raise num_images or lower batch_size'
        )
    total = count * size
    indices = [i * length // total for i in range(total)]
    return [indices[k::count] for k in range(rank, count, world)]
