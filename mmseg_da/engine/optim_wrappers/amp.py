# SPDX-License-Identifier: Apache-2.0
"""Switch an optimiser config to mixed precision."""

from __future__ import annotations

import copy

import torch

DTYPES = ('float16', 'bfloat16')
PLAIN_TYPES = ('OptimWrapper', 'AmpOptimWrapper')


def apply_amp(optim_wrapper_cfg: dict, dtype: str | None = None) -> dict:
    """Return the config with every optimiser in mixed precision.

    Works on a single ``optim_wrapper`` config and on one with several
    members (``JointOptimWrapperConstructor``). Loss scaling is dynamic unless
    the config sets ``loss_scale``.

    Args:
        optim_wrapper_cfg (dict): ``cfg.optim_wrapper``; not changed.
        dtype (str, optional): 'float16' or 'bfloat16'. Defaults to None, the
            device's default (float16 on CUDA).

    Returns:
        dict: A copy with ``AmpOptimWrapper`` in place of ``OptimWrapper``.

    Raises:
        ValueError: If there is no GPU, the dtype is unknown, or a wrapper of
            another type cannot be switched.
    """
    if dtype not in (None, *DTYPES):
        raise ValueError(f'amp dtype={dtype!r}; allowed: {", ".join(DTYPES)}')
    if not torch.cuda.is_available():
        raise ValueError(
            '--amp needs a CUDA device and none is visible; leave --amp out '
            'to train in float32 on the CPU, or run tools/doctor.py'
        )
    cfg = copy.deepcopy(optim_wrapper_cfg)
    if cfg.get('constructor') == 'JointOptimWrapperConstructor':
        for name, member in cfg.items():
            if name != 'constructor':
                _switch(f'optim_wrapper.{name}', member, dtype)
    else:
        _switch('optim_wrapper', cfg, dtype)
    return cfg


def _switch(key: str, cfg: dict, dtype: str | None) -> None:
    if cfg.get('type', 'OptimWrapper') not in PLAIN_TYPES:
        raise ValueError(
            f'--amp cannot change {key}.type={cfg["type"]!r}; expected '
            f'{" or ".join(PLAIN_TYPES)}'
        )
    cfg['type'] = 'AmpOptimWrapper'
    cfg.setdefault('loss_scale', 'dynamic')
    if dtype is not None:
        cfg['dtype'] = dtype
