# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of what produced an artefact."""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from mmengine.config import Config

from mmseg_da.version import __version__

# Keys that change where or how a run is carried out, not what comes out.
VOLATILE_KEYS = frozenset(
    {
        'work_dir',
        'resume',
        'launcher',
        'log_level',
        'log_processor',
        'visualizer',
        'vis_backends',
        'default_hooks',
        'env_cfg',
        'experiment_name',
        'model_wrapper_cfg',
        'auto_scale_lr',
    }
)


def hash_file(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits, read in blocks.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def hash_config(config: Config | dict) -> str:
    """Return the SHA-256 of a config's stable text.

    Independent of the order of keys, of tuples versus lists, and of the
    top-level keys that only say where and how to run (``work_dir``,
    ``launcher``, logging, ...; see ``VOLATILE_KEYS``).
    """
    content = config.to_dict() if isinstance(config, Config) else config
    kept = {k: v for k, v in content.items() if k not in VOLATILE_KEYS}
    text = json.dumps(kept, sort_keys=True, default=_name_of)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_code(*parts: type | ModuleType | Any) -> str:
    """Return the SHA-256 of the source text of modules, classes, functions."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(inspect.getsource(part).encode())
    return digest.hexdigest()


def make_producer(
    config: Config | dict | None = None,
    checkpoint: str | Path | None = None,
    code: tuple[Any, ...] = (),
) -> dict[str, str]:
    """Describe who makes an artefact, for its manifest.

    Args:
        config (Config, optional): The config of the producing stage.
        checkpoint (str or Path, optional): The weights it reads.
        code (tuple): Modules, classes or functions whose source text decides
            the result. Empty means the version of mmseg-da. Defaults to ().

    Returns:
        dict[str, str]: Keys ``code`` and, if given, ``config`` and
        ``checkpoint``.
    """
    producer = {'code': hash_code(*code) if code else f'v{__version__}'}
    if config is not None:
        producer['config'] = hash_config(config)
    if checkpoint is not None:
        producer['checkpoint'] = hash_file(checkpoint)
    return producer


def _name_of(value: Any) -> str:
    if callable(value) and hasattr(value, '__qualname__'):
        return f'{value.__module__}.{value.__qualname__}'
    return repr(value)
