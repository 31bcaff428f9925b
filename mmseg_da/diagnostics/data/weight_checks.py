# SPDX-License-Identifier: Apache-2.0
"""Whether the pretrained weights of a config exist and would be loaded.

mmengine loads the keys that fit, logs the others and trains on: weights none
of whose keys fit leave the network random without any error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlparse

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmseg_da.utils.checkpoints import load_checkpoint
from mmseg_da.utils.class_claims import (
    Claim,
    checkpoint_claims,
    disagreement,
)

from ..report import Check

__all__ = ['weight_checks']

_REMOTE = re.compile(r'^[\w-]+(\.[\w-]+)?://')
_SHOWN = 3
_READ_ERRORS = (ValueError, OSError)


def weight_checks(
    cfg: Config, model: nn.Module, claims: Sequence[Claim]
) -> Iterator[Check]:
    """Check every ``Pretrained`` initialisation and ``load_from``.

    Args:
        cfg: The config.
        model: Its model on the CPU.
        claims: What data sets and model say about the classes.
    """
    for name, module, init in _pretrained(model):
        yield from _init_check(f'pretrained {name}', module, init)
    load_from = cfg.get('load_from')
    if load_from:
        yield from _load_from_checks(load_from, model, claims)


def _pretrained(
    model: nn.Module,
) -> Iterator[tuple[str, nn.Module, Mapping]]:
    """Modules that are initialised from a checkpoint, each file once."""
    seen = set()
    for name, module in model.named_modules():
        init = getattr(module, 'init_cfg', None) or []
        for entry in init if isinstance(init, (list, tuple)) else [init]:
            if entry.get('type') != 'Pretrained':
                continue
            # The averaged copy of a teacher starts from the same file.
            key = (
                str(entry.get('checkpoint')),
                entry.get('prefix'),
                tuple(module.state_dict()),
            )
            if key not in seen:
                seen.add(key)
                yield name or 'model', module, entry


def _local_file(checkpoint: str) -> tuple[str | None, str]:
    """Local file of a checkpoint, or None, and where it was looked for."""
    if not _REMOTE.match(checkpoint):
        return os.path.expanduser(checkpoint), checkpoint
    address = checkpoint
    if checkpoint.startswith(('torchvision://', 'modelzoo://')):
        from mmengine.runner.checkpoint import get_torchvision_models

        name = checkpoint.partition('://')[2]
        address = get_torchvision_models().get(name, '')
    file = os.path.basename(urlparse(address).path)
    folder = os.path.join(torch.hub.get_dir(), 'checkpoints')
    path = os.path.join(folder, file)
    if file and address.startswith('http') and os.path.isfile(path):
        return path, path
    return None, os.path.join(folder, file or '*')


def _read(title: str, checkpoint: str) -> tuple[dict | None, list[Check]]:
    """Content of a checkpoint, or the row that says why not."""
    path, place = _local_file(checkpoint)
    if path is None:
        return None, [
            Check(
                title,
                'warn',
                f'{checkpoint} needs the network at the first start; it is '
                f'not in the cache ({place})',
                'download it beforehand, or name a local file',
            )
        ]
    try:
        content = load_checkpoint(path)
    except _READ_ERRORS as error:
        advice = f'correct the path of {checkpoint}, or download it again'
        return None, [Check(title, 'fail', str(error), advice)]
    return content, []


def _state(content: Mapping) -> dict[str, Tensor]:
    state = content.get('state_dict', content)
    return {re.sub(r'^module\.', '', k): v for k, v in state.items()}


def _init_check(
    title: str, module: nn.Module, init: Mapping
) -> Iterator[Check]:
    content, problems = _read(title, str(init.get('checkpoint')))
    yield from problems
    if content is None:
        return
    state, prefix = _state(content), init.get('prefix')
    if prefix:
        prefix = prefix if prefix.endswith('.') else f'{prefix}.'
        state = {
            key[len(prefix) :]: value
            for key, value in state.items()
            if key.startswith(prefix)
        }
    yield _compare(title, str(init['checkpoint']), module, state)


def _compare(
    title: str, name: str, module: nn.Module, state: Mapping[str, Tensor]
) -> Check:
    """Count the parameters that a checkpoint would fill."""
    own = {
        key: value
        for key, value in module.state_dict().items()
        if not key.endswith('num_batches_tracked')
    }
    common = [key for key in own if key in state]
    wrong = [
        f'{key} {tuple(state[key].shape)} instead of {tuple(own[key].shape)}'
        for key in common
        if state[key].shape != own[key].shape
    ]
    missing = [key for key in own if key not in state]
    matched = len(common) - len(wrong)
    value = f'{name}: {matched} of {len(own)} tensors would be loaded'
    if wrong:
        value += f'; {len(wrong)} of other shape: {_some(wrong)}'
    if missing:
        value += f'; {len(missing)} missing: {_some(missing)}'
    if not matched:
        value += f'; the file has: {_some(list(state))}'
    if not matched or wrong:
        return Check(title, 'fail', value, _advice(own, state))
    if missing:
        advice = 'these tensors start from random values; check depth and type'
        return Check(title, 'warn', value, advice)
    return Check(title, 'ok', value)


def _some(names: Sequence[str]) -> str:
    more = ', ...' if len(names) > _SHOWN else ''
    return ', '.join(names[:_SHOWN]) + more


def _advice(own: Mapping, state: Mapping) -> str:
    """Name the prefix under which the wanted keys stand, if there is one."""
    for wanted in own:
        for key in state:
            if key.endswith(f'.{wanted}'):
                prefix = key[: -len(wanted)]
                return f"add prefix='{prefix}' to this init_cfg"
    return 'take weights of the same architecture, or leave init_cfg out'


def _load_from_checks(
    load_from: str, model: nn.Module, claims: Sequence[Claim]
) -> Iterator[Check]:
    title = 'load_from'
    content, problems = _read(title, load_from)
    yield from problems
    if content is None:
        return
    where = f'checkpoint {load_from!r}'
    found = checkpoint_claims(content, model, where)
    text, _, advice = disagreement([*claims, *found]).rpartition('\n')
    if text:
        yield Check(title, 'fail', text, advice)
    yield _compare(title, load_from, model, _adapted(model, _state(content)))


def _adapted(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Keys as the model's own loading hooks rename them."""
    state = dict(state)
    for hook in model._load_state_dict_pre_hooks.values():
        hook(state, '', {}, False, [], [], [])
    return state
