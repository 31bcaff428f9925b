# SPDX-License-Identifier: Apache-2.0
"""Activations that an SDE step keeps for its backward pass, counted.

The student of ``sde_gta2cs`` runs on tensors without data (device ``meta``),
so any size is counted in seconds on any machine. The step keeps one forward
with depth (labelled images) and three without (source, both mixes) until its
one backward; the reference, which back-propagates branch by branch, never
more than the largest. Losses, pose net, weights, gradients and what the
backward computes again (one block or level at a time) come on top.

    python benchmarks/sde_memory.py
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import _common as common
import sde_step
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_da.models.utils import recompute

CHECKPOINTS = sys.modules[recompute.__module__]
VARIANTS = ('one_backward', 'decoder_with_cp', 'with_cp')


def kept_mib(network: nn.Module, forward: Callable[[], Any]) -> float:
    """Size of what a forward saves, without parameters, each storage once."""
    own = {p.untyped_storage()._cdata for p in network.parameters()}
    # The tensors stay in here, so that no storage is used twice.
    kept: dict[int, Tensor] = {}
    checkpoint = CHECKPOINTS.checkpoint

    def keep(value: Any) -> Any:
        if isinstance(value, Tensor):
            key = value.untyped_storage()._cdata
            if key not in own:
                kept[key] = value
        return value

    def keep_inputs(function: Callable, *inputs: Any, **options: Any) -> Any:
        return checkpoint(function, *map(keep, inputs), **options)

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x)
    with mock.patch.object(CHECKPOINTS, 'checkpoint', keep_inputs), hooks:
        outputs = forward()
    total = sum(t.untyped_storage().nbytes() for t in kept.values())
    del outputs
    return total / 2**20


def count(variant: str, args: argparse.Namespace) -> dict[str, float]:
    """MiB of both kinds of forwards and of their sum in a step."""
    cfg = sde_step.build_config(variant, args.width)
    with torch.device('meta'):
        net = MODELS.build(cfg.model.segmentor).train()
        images = torch.rand(sde_step.IMAGES, 3, *args.size)
    head = net.decode_head
    depth = kept_mib(net, lambda: head.forward_tasks(net.extract_feat(images)))
    plain = kept_mib(net, lambda: head(net.extract_feat(images)))
    return {
        'with_depth': depth,
        'without_depth': plain,
        'step': depth + 3 * plain,
        'largest': max(depth, plain),
    }


def main() -> None:
    """Count and report."""
    parser = common.make_parser(__doc__)
    common.add_size_options(parser, (512, 512))
    args = parser.parse_args()
    common.use_threads(args.threads)
    init_default_scope('mmseg')
    result = {variant: count(variant, args) for variant in VARIANTS}
    common.print_table(
        f'SDE, activations kept in MiB, {args.size[0]}x{args.size[1]}',
        ('variant', *result['with_cp']),
        [(v, *map(round, r.values())) for v, r in result.items()],
    )
    content = {'settings': common.settings(args), 'kept_mib': result}
    common.report('sde_memory', args.json, content)


if __name__ == '__main__':
    main()
