# SPDX-License-Identifier: Apache-2.0
"""Time and memory of one SAC step, and its share outside of the networks.

The step is that of ``sac_gta2cs``: momentum network on the clean views,
pooling, pseudo labels, student on source and noisy views, one backward,
SGD. The networks alone do the same forwards, cross-entropies with fixed
labels, backward and SGD. Medians, in turns; what the step takes beyond the
networks is outside. ``parts`` are those pieces, each with a wait for the
device.

    python benchmarks/sac_step.py                        # R101, 512x1024
    python benchmarks/sac_step.py --size 128 256         # on a CPU
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any
from unittest import mock

import _common as common
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_da.datasets.transforms.views import view_affine
from mmseg_da.models.utils import segmentor_logits
from mmseg_da.uda.methods import sac

CLASSES = 19
# Flip and crop (top, left; 75 % of the sides) of views after the first.
ZOOM = 4 / 3
PARTS = (
    'update_teacher',
    'update_prior',
    'refine',
    'pseudo_labels',
    'target_loss',
    'diagnostics',
)


def build_config(args: argparse.Namespace) -> Config:
    """``sac_gta2cs`` of another width, without files from elsewhere."""
    cfg = Config.fromfile(common.REPO / 'configs/methods/sac_gta2cs.py')
    cfg.model.update(require_baseline=False, target_images=args.images)
    cfg.model.teacher = dict(interval=args.teacher_interval)
    segmentor = cfg.model.segmentor
    common.narrow_resnet(segmentor.backbone, args.width)
    head = segmentor.decode_head
    head.in_channels = head.in_channels * args.width // 64
    return cfg


def make_batch(
    args: argparse.Namespace,
) -> tuple[dict[str, Tensor], dict[str, list]]:
    """Random source images and views of random target images."""
    size, device = tuple(args.size), args.device
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, *size, generator=generator).to(device)

    inputs = {
        'source': noise(args.source, 3),
        'target_views': noise(args.images, args.views, 3),
    }
    label = torch.randint(
        0, CLASSES, (args.source, 1, *size), generator=generator
    ).to(device)
    maps = [
        view_affine(
            (k % 3 - 1) * size[0] / 8,
            (k % 2) * size[1] / 8,
            ZOOM if k else 1.0,
            bool(k % 2),
            size,
        )
        for k in range(args.views)
    ]
    forth, back = (
        torch.stack([torch.from_numpy(pair[i]) for pair in maps]).to(device)
        for i in (0, 1)
    )
    targets = []
    for views in inputs['target_views']:
        sample = SegDataSample()
        padding = torch.zeros(args.views, *size, dtype=torch.bool)
        sample.set_data(
            {
                'clean': views + 0.1,
                'padding': padding.to(device),
                'affine': forth,
                'affine_inverse': back,
            }
        )
        targets.append(sample)
    sources = [SegDataSample(gt_sem_seg=PixelData(data=x)) for x in label]
    return inputs, {'source': sources, 'target_views': targets}


class Bench:
    """A model, its batch, and the two pieces of work that are compared."""

    def __init__(self, args: argparse.Namespace) -> None:
        cfg = build_config(args)
        self.args = args
        self.model = MODELS.build(cfg.model).to(args.device).train()
        self.optimizer = build_optim_wrapper(self.model, cfg.optim_wrapper)
        self.inputs, self.samples = make_batch(args)
        views = self.inputs['target_views'].flatten(0, 1)
        clean = torch.cat([s.clean for s in self.samples['target_views']])
        self.noisy, self.clean = views, clean
        self.label = torch.randint(
            0, CLASSES, (len(views), *args.size), device=args.device
        )

    def step(self) -> None:
        """A training step."""
        losses = self.model.loss(self.inputs, self.samples)
        loss, _ = self.model.parse_losses(losses)
        self.optimizer.update_params(loss)

    def networks(self) -> None:
        """The networks, a cross-entropy for each student forward, SGD."""
        model = self.model
        with torch.no_grad():
            segmentor_logits(model.teacher.module, self.clean)
        losses = model.supervised_loss('source', self.inputs, self.samples)
        logits = segmentor_logits(model.segmentor, self.noisy)['decode']
        loss = F.cross_entropy(logits, self.label) + sum(losses.values())
        self.optimizer.update_params(loss)

    def timed(self, work: Callable[[], Any]) -> float:
        """Seconds of a piece of work, by the chosen clock."""
        return common.timed(work, self.args)

    def parts(self) -> dict[str, float]:
        """Milliseconds of the pieces outside of the networks."""
        spent = dict.fromkeys(PARTS, 0.0)

        def watch(name: str, function: Callable) -> Callable:
            def call(*args: Any, **kwargs: Any) -> Any:
                results = []
                spent[name] += 1000 * self.timed(
                    lambda: results.append(function(*args, **kwargs))
                )
                return results[0]

            return call

        model = self.model
        targets = {
            'update_teacher': (model, 'update_teacher'),
            'update_prior': (model, 'update_prior'),
            'refine': (sac, 'refine'),
            'pseudo_labels': (sac, 'pseudo_labels'),
            'target_loss': (model.target_loss, 'forward'),
            'diagnostics': (sac, '_distance'),
        }
        patches = [
            mock.patch.object(owner, key, watch(name, getattr(owner, key)))
            for name, (owner, key) in targets.items()
        ]
        for patch in patches:
            patch.start()
        self.step()
        for patch in patches:
            patch.stop()
        return spent


def measure(bench: Bench, steps: int, warm_up: int) -> dict[str, float]:
    """Median milliseconds of step and networks, in turns."""
    seconds: dict[str, list[float]] = {'step': [], 'networks': []}
    for turn in range(warm_up + steps):
        for name in ('step', 'networks')[:: 1 if turn % 2 else -1]:
            seconds[name].append(bench.timed(getattr(bench, name)))
    return {k: common.median_ms(v[warm_up:]) for k, v in seconds.items()}


def main() -> None:
    """Measure and report."""
    parser = common.make_parser(__doc__)
    common.add_step_options(parser)
    add = parser.add_argument
    add('--source', type=int, default=2, help='source images')
    add('--images', type=int, default=2, help='target images')
    add('--views', type=int, default=4, help='views of a target image')
    add('--teacher-interval', type=int, default=100)
    args = parser.parse_args()
    common.use_threads(args.threads)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    bench = Bench(args)
    result = measure(bench, args.steps, args.warm_up)
    memory = {
        name: common.peak_cuda_mib(getattr(bench, name))
        for name in ('step', 'networks')
    }
    parts = bench.parts()
    outside = 100 * (1 - result['networks'] / result['step'])
    images = args.source + args.images * args.views
    rate = 1000 * images / result['step']
    common.print_table(
        f'SAC, {images} images a step: {rate:.2f} img/s, {outside:.1f} % '
        'outside of the networks',
        ('part', 'ms'),
        [*result.items(), *parts.items()],
    )
    content = {
        'settings': common.settings(args),
        'milliseconds': result,
        'parts': parts,
        'outside_percent': outside,
        'images_per_second': rate,
        'cuda_peak_mib': memory,
    }
    common.report('sac_step', args.json, content)


if __name__ == '__main__':
    main()
