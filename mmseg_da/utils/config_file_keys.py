# SPDX-License-Identifier: Apache-2.0
"""Misspelt keys and types in config files."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Mapping
from typing import Any

import mmseg.registry
from mmengine.config import Config
from mmengine.registry import Registry
from torch.utils.data import DataLoader

from .config_options import class_parameters, top_level_keys

# Variables of many mmseg configs; nothing reads them after the file is read.
_CUSTOMARY = {
    'data_preprocessor',
    'test_pipeline',
    'train_pipeline',
    'val_pipeline',
}
_NEAR = 0.85
_UNEXPECTED = re.compile(r"got an unexpected keyword argument '(\w+)'")
_UNKNOWN = re.compile(r"([^\s'\"`:]+) is not in the (\w+)::(.+?) registry")
_DOCS = {
    'model': 'configs/methods/README.md lists the methods, ',
    'dataset': 'docs/data.md describes the data sets, ',
}
# Functions that pass entries of a config on, and their name for these.
_BUILDERS = {'build_from_cfg': 'args', 'build_dataloader': 'dataloader_cfg'}


def refuse_misspelt_keys(cfg: Config, file: str) -> None:
    """Refuse a top-level name that is nearly one the Runner reads.

    Other names are free: configs keep pipelines and sizes in variables. A
    misspelt one would leave the base config's value in force, silently.

    Args:
        cfg: The config as it was read.
        file: Its name, for the message.

    Raises:
        ValueError: Names the file, the key and the nearest key.
    """
    known = top_level_keys()
    for key in sorted(set(cfg) - known - _CUSTOMARY):
        near = difflib.get_close_matches(key, known, 1, cutoff=_NEAR)
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
        The message with the nearest arguments; None for another error, also
        for a wrong call in the code, whose argument no config entry has.
    """
    found = _UNEXPECTED.search(str(error))
    if found is None:
        return None
    key, owner = found[1], None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        entries = frame.f_locals.get(_BUILDERS.get(frame.f_code.co_name))
        if entries is not None:
            owner = _owner(frame.f_locals) if key in entries else None
    if owner is None:
        return None
    name = owner if isinstance(owner, str) else owner.__name__
    known = sorted((class_parameters(owner) or set()) - {'self'})
    near = difflib.get_close_matches(key, known, 3, cutoff=0.5)
    text = f'{name} takes no argument {key!r}.'
    if near:
        return f'{text} Nearest: {", ".join(near)}.'
    return f'{text} Its arguments: {", ".join(known)}.' if known else text


def _owner(variables: Mapping[str, Any]) -> str | type:
    """The class that a builder was building."""
    return variables.get('obj_type', DataLoader)


def unknown_type(text: str) -> str | None:
    """Text for a ``type`` that no registered class has.

    Args:
        text: What mmengine says when it builds from a config.

    Returns:
        The message with the nearest names and where to look; None for
        another error.
    """
    found = _UNKNOWN.search(text)
    if found is None:
        return None
    name, scope, kind = found.groups()
    names = {key.lower(): key for key in _registered(kind)}
    wanted = name.rpartition('.')[2].lower()
    near = difflib.get_close_matches(wanted, names, 3, cutoff=0.6)
    nearest = ', '.join(names[key] for key in near) or 'none is like it'
    return (
        f'{name} is not in the {scope}::{kind} registry: no class has this '
        f'type. Nearest: {nearest}. {_DOCS.get(kind, "")}'
        "docs/architecture.md the suite's classes; a module of your own has "
        "to be imported: custom_imports=dict(imports=['MODULE'])."
    )


def _registered(kind: str) -> set[str]:
    """Names in mmseg's registries of a kind and in those above them."""
    names: set[str] = set()
    for registry in vars(mmseg.registry).values():
        if isinstance(registry, Registry) and registry.name == kind:
            above: Registry | None = registry
            while above is not None:
                names.update(above.module_dict)
                above = above.parent
    return names
