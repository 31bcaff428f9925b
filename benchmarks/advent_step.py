# SPDX-License-Identifier: Apache-2.0
"""Time of one AdvEnt step against the sum of its own parts.

The step back-propagates once through both domains and the discriminators.
The parts are the alternation of the reference, each with its own backward:
the network on the source, the network on the target through the frozen
discriminators, the discriminators on both domains' maps. Same work, so the
ratio should be 1. Medians; step and parts in turns, optimiser apart.

    python benchmarks/advent_step.py                      # R101, 512x1024
    python benchmarks/advent_step.py --size 128 256 --width 16   # on a CPU

The step holds the activations of both domains at once. On a CPU, glibc gives
large blocks back to the kernel and pays for fresh pages; a GPU's caching
allocator does not. To leave that out, start it with
MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import _common as common
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_da.models.utils import segmentor_logit_losses, segmentor_logits
from mmseg_da.uda.adversarial import domain_loss, frozen_forward
from mmseg_da.uda.methods.advent import ADVENT, HEADS

PARTS = ('source', 'target', 'discriminators')


def build_config(width: int) -> Config:
    """``advent_gta2cs`` with another width and without pretrained weights.

    Args:
        width: Channels of the first stage; 64 is ResNet-101.
    """
    cfg = Config.fromfile(common.REPO / 'configs/methods/advent_gta2cs.py')
    segmentor = cfg.model.segmentor
    common.narrow_resnet(segmentor.backbone, width)
    for head in (segmentor.decode_head, segmentor.auxiliary_head):
        head.in_channels = head.in_channels * width // 64
    for discriminator in cfg.model.discriminators.values():
        discriminator.base_channels = width
    return cfg


def make_batch(
    size: tuple[int, int], device: str
) -> tuple[dict[str, Tensor], dict[str, list]]:
    """One random source and one random target image.

    Args:
        size: Height and width.
        device: Where to put them.
    """
    generator = torch.Generator().manual_seed(0)
    inputs = {
        branch: 50 * torch.randn(1, 3, *size, generator=generator)
        for branch in ('source', 'target')
    }
    inputs = {branch: image.to(device) for branch, image in inputs.items()}
    label = torch.randint(0, 19, (1, *size), generator=generator)
    sample = SegDataSample(gt_sem_seg=PixelData(data=label.to(device)))
    return inputs, {'source': [sample], 'target': [SegDataSample()]}


class Bench:
    """A model, its batch and the pieces of work that are timed.

    Args:
        model: In training mode, on its device.
        batch: Inputs and samples.
    """

    def __init__(self, model: ADVENT, batch: tuple[dict, dict]) -> None:
        self.model = model
        self.inputs, self.samples = batch
        self.maps: dict[str, dict[str, Tensor]] = {}

    def step(self) -> None:
        """Forward and the one backward, as in training."""
        losses = self.model.loss(self.inputs, self.samples)
        self.model.parse_losses(losses)[0].backward()

    def source(self) -> None:
        """The network on the source: cross-entropy, backward."""
        net = self.model.segmentor
        logits = segmentor_logits(net, self.inputs['source'])
        losses = segmentor_logit_losses(net, logits, self.samples['source'])
        sum(losses.values()).backward()
        self._keep('source', logits)

    def target(self) -> None:
        """The network on the target: adversarial losses, backward."""
        model = self.model
        logits = segmentor_logits(model.segmentor, self.inputs['target'])
        maps = self._keep('target', logits)
        total = 0.0
        for level, discriminator in model.discriminators.items():
            out = frozen_forward(discriminator, maps[level])
            total += model.adv_weights[level] * domain_loss(out, 0.0)
        total.backward()

    def discriminators(self) -> None:
        """The discriminators on the maps of both domains, backward each."""
        for domain, label in (('source', 0.0), ('target', 1.0)):
            for level, discriminator in self.model.discriminators.items():
                out = discriminator(self.maps[domain][level])
                (0.5 * domain_loss(out, label)).backward()

    def _keep(
        self, domain: str, logits: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        with torch.set_grad_enabled(domain == 'target'):
            maps = {
                level: self.model.maps(logits[HEADS[level]])
                for level in self.model.discriminators
            }
        self.maps[domain] = {k: v.detach() for k, v in maps.items()}
        return maps


def measure(
    bench: Bench, optimise: Callable[[], None], args: argparse.Namespace
) -> dict[str, list[float]]:
    """Seconds of step, parts and optimiser, one entry per repetition."""
    seconds: dict[str, list[float]] = {}
    names = ['step', 'parts']
    for turn in range(args.warm_up + args.steps):
        for name in names if turn % 2 else reversed(names):
            for part in PARTS if name == 'parts' else ('step',):
                spent = common.timed(getattr(bench, part), args)
                seconds.setdefault(part, []).append(spent)
            spent = common.timed(optimise, args)
            seconds.setdefault('optimiser', []).append(spent)
    return {name: times[args.warm_up :] for name, times in seconds.items()}


def summarize(seconds: dict[str, list[float]]) -> dict[str, float]:
    """Median milliseconds, their sum and the median ratio of a turn."""
    result = {name: common.median_ms(s) for name, s in seconds.items()}
    sums = [sum(t) for t in zip(*map(seconds.get, PARTS), strict=True)]
    result['sum of parts'] = common.median_ms(sums)
    ratios = [a / b for a, b in zip(seconds['step'], sums, strict=True)]
    result['ratio'] = statistics.median(ratios)
    return result


def main() -> None:
    """Measure and report."""
    parser = common.make_parser(__doc__)
    common.add_step_options(parser)
    args = parser.parse_args()
    common.use_threads(args.threads)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    cfg = build_config(args.width)
    model = MODELS.build(cfg.model).to(args.device).train()
    optimizers = build_optim_wrapper(model, cfg.optim_wrapper)
    bench = Bench(model, make_batch(tuple(args.size), args.device))

    def optimise() -> None:
        optimizers.step()
        optimizers.zero_grad()

    result = summarize(measure(bench, optimise, args))
    memory = {
        'step': common.peak_cuda_mib(bench.step, optimise),
        'parts': common.peak_cuda_mib(*(getattr(bench, p) for p in PARTS)),
    }
    title = f'AdvEnt, 2 x {args.size[0]}x{args.size[1]}, width {args.width}'
    ratio = result.pop('ratio')
    rows = [*result.items(), ('step / sum of parts', ratio)]
    common.print_table(title, ('part', 'ms'), rows)
    content = {
        'settings': common.settings(args),
        'milliseconds': result,
        'ratio': ratio,
        'cuda_peak_mib': memory,
    }
    common.report('advent_step', args.json, content)


if __name__ == '__main__':
    main()
