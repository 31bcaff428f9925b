# SPDX-License-Identifier: Apache-2.0
"""Configs and weights of a :class:`LogitEnsemble`."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config, ConfigDict
from torch import nn

from mmseg_da.utils.checkpoint_guard import (
    check_branches,
    check_views,
    check_weights,
)
from mmseg_da.utils.checkpoints import load_checkpoint

__all__ = ['ensemble_config', 'load_members']


def ensemble_config(
    base: Config,
    configs: Sequence[Config],
    weights: Sequence[float] | None = None,
) -> Config:
    """Config that tests several models as one.

    Data, metrics and everything else are those of the base config. Its
    custom hooks are left out: they work on the model of a single method.

    Args:
        base: Says how to test.
        configs: One per member.
        weights: Factor of each member's logits; None weighs all the same.

    Raises:
        ValueError: The test pipelines differ, or a config estimates
            BatchNorm statistics while it is tested.
    """
    cfg = copy.deepcopy(base)
    for other in (base, *configs):
        _check_member(base, other)
    members = []
    for other in configs:
        member = copy.deepcopy(other.model)
        if other.get('data_preprocessor'):
            member.setdefault('data_preprocessor', other.data_preprocessor)
        members.append(member)
    cfg.pop('data_preprocessor', None)
    cfg.custom_hooks = []
    cfg.model = ConfigDict(type='LogitEnsemble', members=members)
    if weights is not None:
        cfg.model.weights = list(weights)
    return cfg


def _check_member(base: Config, other: Config) -> None:
    hooks = [hook.get('type') for hook in other.get('custom_hooks') or ()]
    if 'TargetBNHook' in hooks:
        raise ValueError(
            f'{other.filename}: TargetBNHook replaces BatchNorm statistics '
            'before a test and knows one model only; give a checkpoint that '
            'has them already, with a config without this hook'
        )
    own = base.test_dataloader.dataset.get('pipeline', [])
    found = other.test_dataloader.dataset.get('pipeline', [])
    for index in range(max(len(own), len(found))):
        steps = [steps[index : index + 1] for steps in (own, found)]
        if steps[0] != steps[1]:
            raise ValueError(
                f'{other.filename}: step {index} of the test pipeline is '
                f'{_step(steps[1])}, but {_step(steps[0])} in '
                f'{base.filename}. All members get the same images; '
                'normalisation may differ, sizes may not.'
            )


def _step(steps: Sequence[dict]) -> str:
    return str(dict(steps[0])) if steps else 'not there'


def load_members(
    members: Sequence[nn.Module],
    checkpoints: Sequence[str | Path],
    metainfo: dict,
) -> None:
    """Load the weights of every member strictly.

    Args:
        members: Models.
        checkpoints: One file per member.
        metainfo: Of the test data; has to have the classes of the weights.

    Raises:
        FileNotFoundError: No such file.
        ValueError: A file does not fit its member or the data.
    """
    for member, path in zip(members, checkpoints, strict=True):
        content = load_checkpoint(path)
        meta = content.get('meta') or {}
        check_views(meta.get('dataset_meta') or {}, metainfo, str(path))
        state = content.get('state_dict', content)
        check_weights(member, state, str(path))
        check_branches(member, meta, str(path))
