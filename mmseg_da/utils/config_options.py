# SPDX-License-Identifier: Apache-2.0
"""Merging ``--cfg-options`` into a config without letting typos through.

mmengine adds a key it does not know to the config and nobody ever reads it.
Here an unknown key is an error, unless something will read it: the Runner,
the class named by ``type``, or a free-form dict.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mmseg.registry
from mmengine.config import Config, DictAction
from mmengine.registry import Registry
from mmengine.runner import Runner
from torch.utils.data import DataLoader

# Read with cfg.get(...), so not in any signature.
_TOP_LEVEL = {
    'activation_checkpointing',
    'cfg',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'env_cfg',
    'find_unused_parameters',
    'log_level',
    'log_processor',
    'model_wrapper_cfg',
    'randomness',
    'runner_type',
    'sync_bn',
    'test_protocols',
    'tta_model',
    'tta_pipeline',
}
# Keys that a dict of this name takes although no class signature has them.
_BY_NAME = {
    'randomness': {'seed', 'diff_rank_seed', 'deterministic'},
    'env_cfg': {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
    'norm_cfg': {'requires_grad'},
    'optim_wrapper': {'constructor', 'paramwise_cfg'},
}
# 'priority' is taken off hooks, 'convert_to_iter_based' off schedulers.
_ANYWHERE = {
    'type',
    '_delete_',
    '_scope_',
    'init_cfg',
    'priority',
    'convert_to_iter_based',
}
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def add_cfg_options(
    parser: Any,
    option: str = '--cfg-options',
    what: str = 'settings that override the config',
) -> None:
    """Add an option of ``KEY=VALUE`` texts, for :func:`parse_options`.

    Args:
        parser: Parser or argument group.
        option: Its name.
        what: Help text.
    """
    parser.add_argument(
        option,
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help=what,
    )


def top_level_keys() -> set[str]:
    """Names that the Runner and the tools read from the top of a config."""
    return _TOP_LEVEL | set(inspect.signature(Runner).parameters)


def parse_options(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` texts with mmengine's rules for values.

    Args:
        pairs: Texts like ``model.decode_head.num_classes=11``.

    Returns:
        Dotted key to value.

    Raises:
        ValueError: A text has no ``=`` or unbalanced brackets.
    """
    for pair in pairs:
        if '=' not in pair or pair.startswith('='):
            raise ValueError(
                f'--cfg-options: {pair!r} is not of the form KEY=VALUE, e.g. '
                'train_cfg.max_iters=100 (no spaces around the =).'
            )
    if not pairs:
        return {}
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=DictAction)
    try:
        options = parser.parse_args(['--options', *pairs]).options
    except AssertionError as error:
        raise ValueError(f'--cfg-options: {error}') from error
    return options


def merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Merge options into a config after checking every key.

    Args:
        cfg: Config, changed in place.
        options: Dotted key to value.

    Raises:
        ValueError: A key leads nowhere; names the nearest keys.
    """
    for key in options:
        _check_key(cfg, key, options)
    cfg.merge_from_dict(dict(options))


def _check_key(cfg: Config, key: str, options: Mapping[str, Any]) -> None:
    """Walk down the config; raise at the first part that nothing reads."""
    node: Any = cfg
    parts = key.split('.')
    for depth, part in enumerate(parts):
        here = '.'.join(parts[:depth])
        if isinstance(node, (list, tuple)):
            node = _element(node, part, key, here, depth == len(parts) - 1)
        elif not isinstance(node, (Config, Mapping)):
            raise ValueError(
                f'--cfg-options {key}: {here} is {node!r}, not a dict, so it '
                f'has no {part!r}. Set {here} itself.'
            )
        elif part in node:
            if not depth and part not in _readable(node, '', options):
                raise ValueError(_only_variable(cfg, key, part))
            node = node[part]
        elif _is_legal(node, here, part, options):
            return
        else:
            raise ValueError(_unknown_key(cfg, key, node, here, part, options))


def _element(
    node: Sequence, part: str, key: str, here: str, last: bool
) -> Any:
    """Element of a list that a key addresses by its index."""
    if not part.isdigit() or int(part) >= len(node):
        raise ValueError(
            f'--cfg-options {key}: {here} is a list of {len(node)} elements; '
            f'{part!r} is not one of the indices 0..{len(node) - 1}.'
        )
    if last:
        raise ValueError(
            f'--cfg-options {key}: an element of a list cannot be replaced '
            f'alone; give the whole list: {here}="[...]".'
        )
    return node[int(part)]


def _is_legal(
    node: Config | Mapping, here: str, part: str, options: Mapping[str, Any]
) -> bool:
    """Whether something will read a key that the config does not have."""
    names = _readable(node, here, options)
    if names is not None:
        return part in names
    # A free-form dict: refuse only what looks like a slip of the finger.
    return not difflib.get_close_matches(part, list(node), n=1, cutoff=0.8)


def _readable(
    node: Config | Mapping, here: str, options: Mapping[str, Any]
) -> set[str] | None:
    """Keys that are read from a dict besides those in it; None if any."""
    if not here:
        return top_level_keys()
    name = here.rsplit('.', 1)[-1]
    if here in _LOADERS:
        return {'num_batch_per_epoch', *_ANYWHERE} | set(
            inspect.signature(DataLoader).parameters
        )
    type_ = options.get(f'{here}.type', node.get('type'))
    if type_ is not None:
        parameters = class_parameters(type_)
        if parameters is None:
            return None
        return parameters | _ANYWHERE | _BY_NAME.get(name, set())
    return _BY_NAME.get(name)


def class_parameters(type_: Any) -> set[str] | None:
    """Arguments of all registered classes of a name; None if any is taken."""
    classes = [type_] if callable(type_) else list(_find_classes(str(type_)))
    names: set[str] = set()
    for cls in classes:
        found = _parameters(cls)
        if found is None:
            return None
        names |= found
    return names if classes else None


def _find_classes(name: str) -> Iterator[type]:
    for registry in vars(mmseg.registry).values():
        if isinstance(registry, Registry):
            cls = registry.get(name)
            if cls is not None:
                yield cls


def _parameters(cls: Any) -> set[str] | None:
    """Arguments of a class; ``**kwargs`` are followed to the base classes."""
    names: set[str] = set()
    constructors = [cls]
    if inspect.isclass(cls):
        owners = [base for base in cls.__mro__ if '__init__' in vars(base)]
        constructors = [vars(base)['__init__'] for base in owners]
    for constructor in constructors:
        if constructor is object.__init__:
            break
        parameters = inspect.signature(constructor).parameters.values()
        names.update(p.name for p in parameters if p.kind != p.VAR_KEYWORD)
        if all(p.kind != p.VAR_KEYWORD for p in parameters):
            return names
    return None


def _unknown_key(
    cfg: Config,
    key: str,
    node: Config | Mapping,
    here: str,
    part: str,
    options: Mapping[str, Any],
) -> str:
    """Message with the nearest keys: siblings first, then anywhere."""
    prefix = f'{here}.' if here else ''
    siblings = {*node, *(_readable(node, here, options) or ())}
    siblings -= {'self', 'cfg', '_delete_', '_scope_'}
    nearest = [
        f'{prefix}{name}'
        for name in difflib.get_close_matches(part, sorted(siblings), n=3)
    ]
    others = sorted({other for other, _ in _walk(cfg)} - set(nearest))
    nearest += difflib.get_close_matches(key, others, n=3)
    advice = (
        'Nearest keys: ' + ', '.join(nearest[:3])
        if nearest
        else f'Keys of {here or "the config"}: ' + ', '.join(sorted(node))
    )
    owner = node.get('type') if here else None
    reader = f' and {owner} has no such argument' if owner else ''
    return (
        f'--cfg-options {key}: {here or "the config"} has no key '
        f'{part!r}{reader}, so nothing would read it. {advice}.'
    )


def _only_variable(cfg: Config, key: str, name: str) -> str:
    """Message for a helper variable of the config file."""
    value = cfg[name]
    places = [
        place
        for place, item in _walk(cfg)
        if place.split('.')[0] != name and _holds(item, value)
    ]
    known = _readable(cfg, '', {}) or set()
    places = [place for place in places if place.split('.')[0] in known]
    advice = f' Set the places that use it: {", ".join(places[:4])}.'
    return (
        f'--cfg-options {key}: {name} is a variable of the config file. It '
        'was used while the file was read, so changing it now has no effect.'
        f'{advice if places else ""}'
    )


def _holds(item: Any, value: Any) -> bool:
    """Whether a value of the config is, or is a text made of, another."""
    if isinstance(item, str) and isinstance(value, str) and len(value) > 3:
        return value in item
    return item == value


def _walk(node: Any, prefix: str = '') -> Iterator[tuple[str, Any]]:
    """All dotted keys of a config with their values."""
    items: Any = ()
    if isinstance(node, (Config, Mapping)):
        items = node.items()
    elif isinstance(node, (list, tuple)):
        items = ((str(i), item) for i, item in enumerate(node))
    for name, value in items:
        yield f'{prefix}{name}', value
        yield from _walk(value, f'{prefix}{name}.')
