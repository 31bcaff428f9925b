# SPDX-License-Identifier: Apache-2.0
"""Misspelt keys in config files."""

from __future__ import annotations

import difflib
import re

import mmseg.registry
from mmengine.config import Config
from mmengine.registry import Registry

from .config_options import class_parameters

# What mmengine's Runner and the tools read from the top level of a config.
RUNNER_KEYS = frozenset(
    f'{phase}_{part}'
    for phase in ('train', 'val', 'test')
    for part in ('dataloader', 'cfg', 'evaluator')
) - {'train_evaluator'} | {
    'auto_scale_lr',
    'custom_hooks',
    'custom_imports',
    'data_preprocessor',
    'default_hooks',
    'default_scope',
    'env_cfg',
    'experiment_name',
    'find_unused_parameters',
    'launcher',
    'load_from',
    'log_level',
    'log_processor',
    'model',
    'model_wrapper_cfg',
    'optim_wrapper',
    'param_scheduler',
    'randomness',
    'resume',
    'runner_type',
    'sync_bn',
    # Read by mmseg's inference API, or customary beside it.
    'test_pipeline',
    'train_pipeline',
    'tta_model',
    'tta_pipeline',
    'val_pipeline',
    'visualizer',
    'work_dir',
}
_NEAR = 0.85
_UNEXPECTED = re.compile(
    r"(?:(\w+)\.)?\w+\(\) got an unexpected keyword argument '(\w+)'"
)


def refuse_misspelt_keys(cfg: Config, file: str) -> None:
    """Refuse a top-level name that is nearly one the Runner reads.

    Other names are free: configs keep pipelines and sizes in variables. A
    misspelt one would leave the base config's value in force, silently.

    Raises:
        ValueError: Names the file, the key and the nearest key.
    """
    for key in cfg:
        if key in RUNNER_KEYS:
            continue
        near = difflib.get_close_matches(key, RUNNER_KEYS, 1, cutoff=_NEAR)
        if near:
            raise ValueError(
                f'{file}: the key {key!r} is not read by anything; did you '
                f'mean {near[0]!r}? A variable of your own needs a name that '
                'is less like it.'
            )


def unexpected_argument(error: TypeError) -> str | None:
    """Text for a config entry that its class does not take.

    Args:
        error: What building an object from a config raised.

    Returns:
        The message with the nearest arguments, or None for another error.
    """
    found = _UNEXPECTED.search(str(error))
    if found is None:
        return None
    owner, key = found.groups()
    known = sorted(_arguments(owner)) if owner else []
    near = difflib.get_close_matches(key, known, 3, cutoff=0.5)
    text = f'config: {owner or "a type"} takes no argument {key!r}.'
    if near:
        return f'{text} Nearest: {", ".join(near)}.'
    return f'{text} Its arguments: {", ".join(known)}.' if known else text


def _arguments(owner: str) -> set[str]:
    """Arguments of a registered class, or of a base class of one."""
    known = class_parameters(owner)
    if known is not None:
        return known
    for registry in vars(mmseg.registry).values():
        if isinstance(registry, Registry):
            for cls in registry.module_dict.values():
                for base in getattr(cls, '__mro__', ()):
                    if base.__name__ == owner:
                        return class_parameters(base) or set()
    return set()
