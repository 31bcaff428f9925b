# SPDX-License-Identifier: Apache-2.0
"""States of two runs, compared bit by bit."""

from __future__ import annotations

import torch
from mmengine.runner import Runner


def weights(runner: Runner) -> dict[str, torch.Tensor]:
    """A copy of the state of the Runner's model."""
    model = getattr(runner.model, 'module', runner.model)
    return {k: v.detach().clone() for k, v in model.state_dict().items()}


def state_difference(one: dict, other: dict) -> list[str]:
    """Names of the entries that are not bit-equal."""
    names = sorted(set(one) ^ set(other))
    return names + [
        name
        for name in one
        if name in other and not torch.equal(one[name], other[name])
    ]


def optimizer_difference(one: Runner, other: Runner) -> list[str]:
    """Names of the optimisers' states that are not bit-equal."""

    def flat(state, prefix=''):
        if isinstance(state, dict):
            items = state.items()
        elif isinstance(state, (list, tuple)):
            items = enumerate(state)
        else:
            return {prefix: torch.as_tensor(state)}
        out = {}
        for key, value in items:
            if value is not None:
                out.update(flat(value, f'{prefix}.{key}'))
        return out

    return state_difference(
        flat(one.optim_wrapper.state_dict()),
        flat(other.optim_wrapper.state_dict()),
    )
