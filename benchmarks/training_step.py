# SPDX-License-Identifier: Apache-2.0
"""Milliseconds of a training step, and how much of it is overhead.

The real Runner trains on StreetWorld. After each of its steps the network
alone does the same work on the same batch: forward, cross-entropy, backward.
What the Runner's step takes beyond that, without the optimiser, is overhead:
pre-processing, hooks, loss bookkeeping. Medians; both in turns.

    python benchmarks/training_step.py --config source-only_swg2swc
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import _common as common
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.models.utils import resize

from mmseg_da.datasets.street_world.generate import generate
from mmseg_da.datasets.street_world.world import WorldSettings


class Stopwatch:
    """Seconds of named parts, one list entry per step."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.current: dict[str, float] = {}
        self.steps: list[dict[str, float]] = []

    def wrap(self, name: str, function: Callable) -> Callable:
        """The function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = common.now(self.device)
            result = function(*args, **kwargs)
            self.add(name, common.now(self.device) - start)
            return result

        return timed

    def add(self, name: str, seconds: float) -> None:
        """Add to a part of the current step."""
        self.current[name] = self.current.get(name, 0.0) + seconds

    def end_step(self) -> None:
        """Begin the next step."""
        self.steps.append(self.current)
        self.current = {}

    def medians(self, warm_up: int) -> dict[str, float]:
        """Median milliseconds of every part after the warm-up."""
        kept = self.steps[warm_up:]
        return {
            name: common.median_ms([step.get(name, 0.0) for step in kept])
            for name in kept[0]
        }


class StartOfStep(Hook):
    """Starts the clock before every other hook of a step."""

    priority = 'HIGHEST'

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch
        self.start = 0.0
        self.end: float | None = None

    def before_train(self, runner: Runner) -> None:
        """Time the parts of a step, now that schedulers hold the optimiser."""
        for owner, method, name in (
            (runner.model.data_preprocessor, 'forward', 'preprocess'),
            (runner.model, 'loss', 'forward and losses'),
            (runner.optim_wrapper, 'backward', 'backward'),
            (runner.optim_wrapper, 'step', 'optimiser'),
            (runner.optim_wrapper, 'zero_grad', 'zero_grad'),
        ):
            timed = self.watch.wrap(name, getattr(owner, method))
            setattr(owner, method, timed)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Note the start, and how long the data took."""
        self.start = common.now(self.watch.device)
        if self.end is not None:
            self.watch.add('data', self.start - self.end)
        if batch_idx % 2:
            time_network(runner, data_batch, self.watch)
            self.start = common.now(self.watch.device)


class EndOfStep(Hook):
    """Stops the clock after every other hook, then runs the network alone.

    Args:
        watch: Collects the seconds.
        start: The hook that started the step.
    """

    priority = 'LOWEST'

    def __init__(self, watch: Stopwatch, start: StartOfStep) -> None:
        self.watch = watch
        self.start = start

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Time the step as a whole and the same work without a Runner."""
        watch = self.watch
        watch.add('step', common.now(watch.device) - self.start.start)
        if batch_idx % 2 == 0:
            time_network(runner, data_batch, watch)
        watch.end_step()
        self.start.end = common.now(watch.device)


def time_network(runner: Runner, data_batch: dict, watch: Stopwatch) -> None:
    """Do a step's work without the Runner, on the same batch.

    Before the Runner's step and after it in turns: whoever comes second finds
    warm caches.
    """
    model = runner.model
    # The bound class method: the instance's own is being timed.
    preprocessor = model.data_preprocessor
    data = type(preprocessor).forward(preprocessor, data_batch, True)
    for branch, images in data['inputs'].items():
        labels = torch.cat(
            [s.gt_sem_seg.data for s in data['data_samples'][branch]]
        )
        begin = common.now(watch.device)
        loss = plain_loss(model.segmentor, images, labels)
        middle = common.now(watch.device)
        loss.backward()
        watch.add('network forward', middle - begin)
        watch.add('network backward', common.now(watch.device) - middle)
    model.zero_grad()


def plain_loss(
    segmentor: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Forward and cross-entropy of an ``EncoderDecoder``, nothing else.

    Args:
        segmentor: The network in training mode.
        images: (N, 3, H, W).
        labels: (N, H, W) train ids, 255 ignored.
    """
    features = segmentor.extract_feat(images)
    heads = [segmentor.decode_head]
    if segmentor.with_auxiliary_head:
        heads.append(segmentor.auxiliary_head)
    total = images.new_zeros(())
    for head in heads:
        logits = resize(
            head(features),
            size=labels.shape[-2:],
            mode='bilinear',
            align_corners=segmentor.align_corners,
        )
        total = total + F.cross_entropy(logits, labels, ignore_index=255)
    return total


def build_runner(args: Any, folder: Path, watch: Stopwatch) -> Runner:
    """Runner of a config on a small StreetWorld, with clocks attached."""
    generate(
        folder / 'data',
        ['gta', 'cityscapes'],
        WorldSettings(train=16, val=1, truth_share=0),
    )
    root = {'STREET_WORLD_ROOT': str(folder / 'data')}
    file = common.REPO / 'configs/methods' / f'{args.config}.py'
    with mock.patch.dict(os.environ, root):
        cfg = Config.fromfile(file)
    cfg.work_dir = str(folder / 'work')
    cfg.train_cfg.max_iters = args.warm_up + args.steps
    cfg.default_hooks.checkpoint.interval = -1
    cfg.default_hooks.checkpoint.save_last = False
    cfg.log_level = 'WARNING'
    for phase in ('val', 'test'):
        for key in ('dataloader', 'evaluator', 'cfg'):
            cfg[f'{phase}_{key}'] = None
    runner = Runner.from_cfg(cfg)
    start = StartOfStep(watch)
    runner.register_hook(start)
    runner.register_hook(EndOfStep(watch, start))
    return runner


def summarize(parts: dict[str, float]) -> dict[str, float]:
    """Overhead of a step, in milliseconds and percent of the step."""
    network = parts['network forward'] + parts['network backward']
    optimiser = parts['optimiser'] + parts['zero_grad']
    named = ('preprocess', 'forward and losses', 'backward')
    rest = parts['step'] - optimiser - sum(parts[name] for name in named)
    outside = parts['step'] - network - optimiser
    return {
        'network': network,
        'optimiser and zero_grad': optimiser,
        'preprocess': parts['preprocess'],
        'losses beyond cross-entropy': parts['forward and losses']
        - parts['network forward'],
        'backward beyond the network': parts['backward']
        - parts['network backward'],
        'hooks, parse, logging': rest,
        'outside': outside,
        'outside_percent': 100 * outside / parts['step'],
        'optimiser_percent': 100 * optimiser / parts['step'],
    }


def main() -> None:
    """Measure and report."""
    parser = common.make_parser(__doc__)
    parser.add_argument('--config', default='source-only_swg2swc')
    parser.add_argument('--steps', type=int, default=60)
    parser.add_argument('--warm-up', type=int, default=10)
    args = parser.parse_args()
    common.use_threads(args.threads)
    watch = Stopwatch(common.default_device())
    with tempfile.TemporaryDirectory() as folder:
        runner = build_runner(args, Path(folder), watch)
        runner.train()
        batch = runner.cfg.train_dataloader.batch_size
    parts = watch.medians(args.warm_up)
    summary = summarize(parts)
    rate = 1000 * batch / (parts['step'] + parts['data'])
    title = f'{args.config}: {parts["step"]:.1f} ms per step, {rate:.1f} img/s'
    rows = [(k, v, 100 * v / parts['step']) for k, v in parts.items()]
    rows += [
        (k, v, 100 * v / parts['step'])
        for k, v in summary.items()
        if not k.endswith('_percent')
    ]
    common.print_table(title, ('part', 'ms', '% of step'), rows)
    result = {
        'settings': {
            'config': args.config,
            'steps': args.steps,
            'batch_size': batch,
            'device': watch.device,
        },
        'milliseconds': parts,
        'summary': summary,
        'images_per_second': rate,
    }
    common.report('training_step', args.json, result)


if __name__ == '__main__':
    main()
