# SPDX-License-Identifier: Apache-2.0
"""Time and memory of one SDE step, and of other ways to compute it.

The step is that of ``sde_gta2cs``: segmentation and depth on the labelled
images with their neighbour frames, segmentation on the source, teacher on
the target, both DepthMixes, backward, SGD, teacher update. Its variants have
the same gradients, which is checked first, on small images:

- ``one_backward``: what the suite does, one backward of the sum;
- ``backward_per_branch``: the reference, each of the four student forwards
  is back-propagated before the next one;
- ``decoder_with_cp``, ``with_cp``: one backward, the activations of the
  decoders, or of encoder, decoders and pose net, are computed again;
- ``amp``: mixed precision (other gradients), on a GPU only.

Each variant runs in a process of its own, because the peak memory of a
process never falls.

    python benchmarks/sde_step.py                              # R101, 512x512
    python benchmarks/sde_step.py --size 64 128 --width 16     # on a CPU

On a CPU, glibc keeps freed memory in pieces; MALLOC_MMAP_THRESHOLD_=65536
gives it back, so that the peak is that of the tensors.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest import mock

import _common as common
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from mmseg_da.engine import apply_amp

CLASSES = 19
BRANCHES = ('target_labeled', 'source', 'target')
IMAGES = 2  # of each branch
# Methods of SDE that run the student and return losses.
STUDENT_FORWARDS = ('_labeled_losses', 'supervised_loss', '_mix_losses')
DECODER_WITH_CP = {'model.segmentor.decode_head.decoder.with_cp': True}
WITH_CP = DECODER_WITH_CP | {
    'model.segmentor.backbone.with_cp': True,
    'model.pose_net.encoder.with_cp': True,
}
# Variant -> what --cfg-options would set.
VARIANTS: dict[str, dict[str, Any]] = {
    'one_backward': {},
    'backward_per_branch': {},
    'decoder_with_cp': DECODER_WITH_CP,
    'with_cp': WITH_CP,
    'amp': {},
}
TOLERANCE = 1e-4


def build_config(variant: str, width: int) -> Config:
    """``sde_gta2cs`` of another width, without files from elsewhere."""
    cfg = Config.fromfile(common.REPO / 'configs/methods/sde_gta2cs.py')
    cfg.merge_from_dict(VARIANTS[variant])
    segmentor, pose_net = cfg.model.segmentor, cfg.model.pose_net
    for backbone in (segmentor.backbone, pose_net.encoder):
        common.narrow_resnet(backbone, width)
    head = segmentor.decode_head
    for node, keys in (
        (head, ('in_channels',)),
        (head.decoder, ('channels',)),
        (pose_net, ('in_channels', 'channels')),
    ):
        for key in keys:
            node[key] = _narrowed(node[key], width)
    if variant == 'amp':
        cfg.optim_wrapper = apply_amp(cfg.optim_wrapper)
    return cfg


def _narrowed(
    channels: int | list[int] | tuple[int, ...], width: int
) -> int | list[int]:
    if isinstance(channels, int):
        return channels * width // 64
    return [c * width // 64 for c in channels]


def make_batch(
    size: tuple[int, int], device: str
) -> tuple[dict[str, Tensor], dict[str, list]]:
    """Random images, frames, labels and disparities, as the config packs.

    Args:
        size: Height and width.
        device: Where to put them.
    """
    generator = torch.Generator().manual_seed(0)
    height, width = size

    def pixels(*shape: int) -> Tensor:
        drawn = torch.randint(0, 256, shape, generator=generator)
        return drawn.to(device, torch.uint8)

    inputs, samples = {}, {}
    for branch in BRANCHES:
        inputs[branch] = pixels(IMAGES, 3, *size).float() / 255
        samples[branch] = [SegDataSample() for _ in range(IMAGES)]
        for sample in samples[branch]:
            near = pixels(1, *size).float() / 255
            sample.set_data({'disparity': PixelData(data=near)})
            if branch != 'target':
                label = pixels(1, *size).long() % CLASSES
                sample.gt_sem_seg = PixelData(data=label)
    camera = [[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]]
    for sample in samples['target_labeled']:
        for key in ('frame_m1', 'frame_p1'):
            sample.set_data({key: PixelData(data=pixels(3, *size))})
        for s in (1, 2, 3):
            level = pixels(height >> s, width >> s, 3)
            sample.set_data({f'pyramid_{s}': level})
        sample.set_data({'intrinsics': torch.tensor(camera, device=device)})
    return inputs, samples


class Bench:
    """A model, its batch and a way to compute the step.

    Args:
        variant: One of ``VARIANTS``.
        size: Height and width.
        width: Channels of the first stage.
        device: Where to compute.
    """

    def __init__(
        self, variant: str, size: tuple[int, int], width: int, device: str
    ) -> None:
        init_default_scope('mmseg')
        torch.manual_seed(0)
        cfg = build_config(variant, width)
        self.per_branch = variant == 'backward_per_branch'
        self.model = MODELS.build(cfg.model).to(device).train()
        self.optimizer = build_optim_wrapper(self.model, cfg.optim_wrapper)
        self.inputs, self.samples = make_batch(size, device)

    def step(self) -> None:
        """A training step."""
        self.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.model.teacher.update_parameters(self.model.segmentor)

    def backward(self) -> None:
        """Forwards and backwards; leaves the gradients."""
        with ExitStack() as stack:
            stack.enter_context(self.optimizer.optim_context(self.model))
            if self.per_branch:
                for name in STUDENT_FORWARDS:
                    function = self._at_once(getattr(self.model, name))
                    stack.enter_context(
                        mock.patch.object(self.model, name, function)
                    )
            losses = self.model.loss(self.inputs, self.samples)
        if losses:
            self._propagate(losses)

    def _propagate(self, losses: dict[str, Tensor]) -> None:
        loss, _ = self.model.parse_losses(losses)
        self.optimizer.backward(self.optimizer.scale_loss(loss))

    def _at_once(self, function: Callable[..., dict]) -> Callable[..., dict]:
        def call(*args: Any, **kwargs: Any) -> dict:
            self._propagate(function(*args, **kwargs))
            return {}

        return call


def gradients(variant: str, device: str) -> dict[str, Tensor]:
    """Gradients of a small step with fixed draws."""
    bench = Bench(variant, (32, 64), 4, device)
    torch.manual_seed(1)
    bench.backward()
    return {
        name: parameter.grad
        for name, parameter in bench.model.named_parameters()
        if parameter.grad is not None
    }


def gradient_differences(
    variants: list[str], device: str, threads: int
) -> dict[str, float]:
    """Per variant, norm of the difference to one backward, relative.

    Raises:
        ValueError: If it exceeds the tolerance.
    """
    common.use_threads(threads)
    expected = gradients('one_backward', device)
    scale = torch.stack([g.norm() for g in expected.values()]).norm()
    found = {}
    for variant in variants:
        other = gradients(variant, device)
        if other.keys() != expected.keys():
            raise ValueError(f'{variant} trains other parameters')
        parts = [(other[k] - g).norm() for k, g in expected.items()]
        found[variant] = float(torch.stack(parts).norm() / scale)
        if not found[variant] < TOLERANCE:
            raise ValueError(
                f'{variant}: relative difference of the gradients '
                f'{found[variant]:.2e}; expected less than {TOLERANCE}'
            )
    return found


def measure(variant: str, args: argparse.Namespace) -> dict[str, float]:
    """Median step, rate and peak memory; to be run in a fresh process."""
    common.use_threads(args.threads)
    bench = Bench(variant, tuple(args.size), args.width, args.device)
    before = common.peak_memory_mib()['rss']
    seconds = [
        common.timed(bench.step, args)
        for _ in range(args.warm_up + args.steps)
    ][args.warm_up :]
    result = {
        'milliseconds': common.median_ms(seconds),
        'images_per_second': len(BRANCHES)
        * IMAGES
        / statistics.median(seconds),
        'rss_before_mib': before,
    }
    peak = common.peak_memory_mib()
    return result | {f'{kind}_peak_mib': v for kind, v in peak.items()}


def print_results(
    args: argparse.Namespace,
    results: dict[str, dict[str, float]],
    skipped: dict[str, str],
) -> None:
    """The table for people."""
    kind = 'rss' if args.device == 'cpu' else 'cuda'
    columns = 'milliseconds', 'images_per_second', f'{kind}_peak_mib'
    rows = [(v, *map(r.get, columns)) for v, r in results.items()]
    rows += [(v, 'skipped', why, '') for v, why in skipped.items()]
    height, width = args.size
    common.print_table(
        f'SDE, {len(BRANCHES)} x {IMAGES} images of {height}x{width}, '
        f'width {args.width}',
        ('variant', 'ms', 'img/s', f'peak {kind} MiB'),
        rows,
    )


def main() -> None:
    """Measure and report."""
    parser = common.make_parser(__doc__)
    common.add_step_options(parser, (512, 512))
    parser.add_argument(
        '--variants', nargs='+', choices=VARIANTS, default=list(VARIANTS)
    )
    args = parser.parse_args()
    variants, skipped = list(args.variants), {}
    if 'amp' in variants and args.device == 'cpu':
        variants.remove('amp')
        skipped['amp'] = 'mixed precision of the suite needs a CUDA device'
    differences = common.in_fresh_process(
        gradient_differences,
        [v for v in variants if v != 'amp'],
        args.device,
        args.threads,
    )
    results = {v: common.in_fresh_process(measure, v, args) for v in variants}
    print_results(args, results, skipped)
    content = {
        'settings': common.settings(args),
        'gradient_differences': differences,
        'variants': results,
        'skipped': skipped,
    }
    common.report('sde_step', args.json, content)


if __name__ == '__main__':
    main()
