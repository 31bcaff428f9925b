# SPDX-License-Identifier: Apache-2.0
"""Replace the running statistics of BatchNorm layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm


def norm_layers(module: nn.Module) -> dict[str, _BatchNorm]:
    """Return the BatchNorm layers that keep running statistics, by name.

    Raises:
        ValueError: If there is none.
    """
    layers = {
        name: child
        for name, child in module.named_modules()
        if isinstance(child, _BatchNorm) and child.running_mean is not None
    }
    if not layers:
        raise ValueError(
            f'{type(module).__name__} has no BatchNorm with running '
            'statistics, so there is nothing to re-estimate; use a model with '
            "norm_cfg=dict(type='BN')"
        )
    return layers


def has_sync_bn(module: nn.Module) -> bool:
    """Return whether a layer exchanges statistics between processes."""
    return any(isinstance(child, SyncBatchNorm) for child in module.modules())


@contextmanager
def collect_statistics(module: nn.Module) -> Iterator[None]:
    """Replace running statistics by those of the forwards in the context.

    Inside, BatchNorm normalises with batch statistics, all else is in eval
    mode, and there are no gradients. On leaving, each layer that was called
    gets the mean over its calls, weighted by their number of images and taken
    over all processes, of batch mean and unbiased batch variance
    (``momentum=None`` of torch for batches of one size). Layers that were not
    called, such as an auxiliary head's, keep theirs. Modes, momenta and
    ``num_batches_tracked`` are as before.

    Args:
        module (nn.Module): Called by the user inside the context.

    Raises:
        ValueError: If there is no BatchNorm, or a batch gives a layer one
            value per channel only (image pooling needs two images).
    """
    layers = list(norm_layers(module).values())
    totals = {layer: _zeros(layer) for layer in layers}

    def collect(layer: _BatchNorm, inputs: tuple[Tensor, ...], _: Any) -> None:
        mean, var = layer.running_mean.double(), layer.running_var.double()
        rows = torch.stack([mean, var, torch.ones_like(mean)])
        totals[layer] += inputs[0].shape[0] * rows

    with torch.no_grad(), _batch_mode(module, layers):
        handles = [layer.register_forward_hook(collect) for layer in layers]
        try:
            yield
        except ValueError as error:
            if 'more than 1 value per channel' not in str(error):
                raise
            raise ValueError(
                'a BatchNorm layer cannot take statistics of this batch '
                f'({error}); use a batch_size of at least 2'
            ) from error
        finally:
            for handle in handles:
                handle.remove()
        _store(totals)


@contextmanager
def _batch_mode(module: nn.Module, layers: list[_BatchNorm]) -> Iterator[None]:
    modes = {child: child.training for child in module.modules()}
    saved = [(layer, layer.momentum, _counter(layer)) for layer in layers]
    module.eval()
    for layer in layers:
        layer.training = True
        # The running statistics are then those of the last batch.
        layer.momentum = 1.0
    try:
        yield
    finally:
        for child, mode in modes.items():
            child.training = mode
        for layer, momentum, counter in saved:
            layer.momentum = momentum
            if counter is not None:
                layer.num_batches_tracked.copy_(counter)


def _counter(layer: _BatchNorm) -> Tensor | None:
    counter = layer.num_batches_tracked
    return None if counter is None else counter.clone()


def _zeros(layer: _BatchNorm) -> Tensor:
    """Return (3, C): sums of mean, of variance and of weights."""
    return layer.running_mean.new_zeros(
        (3, layer.num_features), dtype=torch.float64
    )


def _store(totals: dict[_BatchNorm, Tensor]) -> None:
    sizes = [layer.num_features for layer in totals]
    joined = torch.cat(list(totals.values()), dim=1)
    all_reduce(joined)
    parts = joined.split(sizes, dim=1)
    for layer, (mean, var, weight) in zip(totals, parts, strict=True):
        if weight[0] > 0:
            layer.running_mean.copy_(mean / weight)
            layer.running_var.copy_(var / weight)
