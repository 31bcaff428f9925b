# SPDX-License-Identifier: Apache-2.0
"""The one update loop of single-process and distributed training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from .optim_wrappers import accumulative_counts

LossParser = Callable[[dict], tuple[Tensor, dict[str, Tensor]]]


def run_update_phases(
    forward: nn.Module,
    phases: Mapping[str, Sequence[str]],
    data: dict,
    optim_wrapper: OptimWrapper,
    parse_losses: LossParser,
) -> dict[str, Tensor]:
    """Do one training iteration on a preprocessed batch.

    Without phases: one forward and one update from all branches. With phases,
    for each in turn: forward only its branches, then update, so that a later
    phase sees the weights the earlier one left. Log entries that two phases
    share are prefixed by the phase, and ``loss`` is their sum. A phase whose
    forward returns no entry at all updates nothing: it only observes
    (BatchNorm statistics).

    Args:
        forward (nn.Module): The model, or its DDP wrapper; called as
            ``forward(inputs=..., data_samples=..., mode='loss')``.
        phases (Mapping[str, Sequence[str]]): Phase name -> branch names.
        data (dict): ``inputs`` and ``data_samples``, with phases dicts of
            branches.
        optim_wrapper (OptimWrapper): Steps once per phase.
        parse_losses (Callable): The model's ``parse_losses``.

    Returns:
        dict[str, Tensor]: Log variables, scalars.

    Raises:
        ValueError: If a phase's branch is missing from the batch, several
            phases meet gradient accumulation, or no phase returned a loss.
    """
    if not phases:
        logs = _update(forward, data, optim_wrapper, parse_losses)
        return _merge_logs({'': logs})
    counts = accumulative_counts(optim_wrapper)
    if len(phases) > 1 and counts != 1:
        raise ValueError(
            f'optim_wrapper.accumulative_counts={counts} does not work with '
            f'the update phases {list(phases)}: their gradients would mix. '
            'Set it to 1 and use a larger batch.'
        )
    logs = {}
    for phase, branches in phases.items():
        part = _select(data, phase, branches)
        logs[phase] = _update(forward, part, optim_wrapper, parse_losses)
    return _merge_logs(logs)


def _update(
    forward: nn.Module,
    data: dict,
    optim_wrapper: OptimWrapper,
    parse_losses: LossParser,
) -> dict[str, Tensor]:
    with optim_wrapper.optim_context(forward):
        losses = forward(**data, mode='loss')
    if not losses:
        return {}
    loss, log_vars = parse_losses(losses)
    optim_wrapper.update_params(loss)
    return log_vars


def _select(data: dict, phase: str, branches: Sequence[str]) -> dict:
    missing = [name for name in branches if name not in data['inputs']]
    if missing:
        raise ValueError(
            f'update phase {phase!r} needs the branches {list(branches)}; '
            f'{missing} not in the batch, which has {sorted(data["inputs"])}. '
            'Check the MultiBranch entries of the training pipelines and '
            'source_ratio of the sampler.'
        )
    return {
        key: {name: data[key][name] for name in branches if name in data[key]}
        for key in ('inputs', 'data_samples')
    }


def _merge_logs(logs: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    logs = {phase: log_vars for phase, log_vars in logs.items() if log_vars}
    if not logs:
        raise ValueError(
            'loss() returned no entry, so nothing was trained; at least one '
            'update phase has to return a loss'
        )
    if len(logs) == 1:
        return next(iter(logs.values()))
    names = [name for log_vars in logs.values() for name in log_vars]
    merged = {'loss': sum(log_vars['loss'] for log_vars in logs.values())}
    for phase, log_vars in logs.items():
        for name, value in log_vars.items():
            clash = names.count(name) > 1 or name == 'loss'
            merged[f'{phase}.{name}' if clash else name] = value
    return merged
