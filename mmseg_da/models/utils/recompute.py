# SPDX-License-Identifier: Apache-2.0
"""Activation checkpointing that leaves the training step as it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint


class KeptStatistics:
    """Context in which running statistics are read and not written.

    Inside, the layers have copies of their buffers. (Momentum 0 would write
    NaN where a batch has infinities, and ``track_running_stats=False`` saves
    other tensors for the backward pass, which checkpointing refuses.) May be
    entered several times, one after the other.

    Args:
        module (nn.Module): All normalisation layers below it are meant.
    """

    def __init__(self, module: nn.Module) -> None:
        self.layers = [m for m in module.modules() if isinstance(m, _NormBase)]
        self.buffers: list[dict[str, Tensor | None]] = []

    def __enter__(self) -> None:
        self.buffers = [dict(layer._buffers) for layer in self.layers]
        for layer in self.layers:
            if not layer.training:
                continue
            for name, value in layer._buffers.items():
                if value is not None:
                    layer._buffers[name] = value.clone()

    def __exit__(self, *_: object) -> None:
        for layer, buffers in zip(self.layers, self.buffers, strict=True):
            layer._buffers.update(buffers)
        self.buffers = []


def recompute(
    module: nn.Module, function: Callable[..., Any], *inputs: Any
) -> Any:
    """Call a part of a network, and again when its gradients are needed.

    Between forward and backward only inputs and results are kept. Parameters,
    gradients and buffers of a step are those without it: dropout draws the
    same masks again, and the second run leaves running statistics alone.
    Without gradients (teacher, validation) it is a plain call. It works under
    mixed precision and, with unused parameters and several forwards per
    backward too, under DDP.

    Args:
        module (nn.Module): Holds all normalisation layers that ``function``
            uses.
        function (Callable): The part. Must not change its inputs.
        *inputs (Any): Its arguments; all tensors have to be among them.

    Returns:
        Any: What the function returns.
    """
    if not torch.is_grad_enabled():
        return function(*inputs)
    return checkpoint(
        function,
        *inputs,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), KeptStatistics(module)),
    )
