# SPDX-License-Identifier: Apache-2.0
"""The part of a config that decides a stage's result, without paths."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_da.datasets.digest import digest_folder, digest_samples
from mmseg_da.engine.hashing import hash_config, hash_file

# Top-level keys of a config that each kind of stage reads. Helper variables
# of config files are read by nobody.
_SHARED_KEYS = (
    'custom_hooks',
    'custom_imports',
    'data_preprocessor',
    'default_hooks',
    'default_scope',
    'model',
)
_KEYS = {
    'train': (
        *_SHARED_KEYS, 'accumulative_counts', 'activation_checkpointing',
        'auto_scale_lr', 'compile', 'efficient_conv_bn_eval', 'load_from',
        'optim_wrapper', 'param_scheduler', 'randomness', 'runner_type',
        'sync_bn', 'train_cfg', 'train_dataloader', 'val_cfg',
        'val_dataloader', 'val_evaluator',
    ),
    'test': (
        *_SHARED_KEYS, 'test_cfg', 'test_dataloader', 'test_evaluator',
    ),
}  # fmt: skip
_TTA_KEYS = ('tta_model', 'tta_pipeline')
# What artefact makers read beside it: the images they predict.
_ARTIFACT_KEYS = ('target_images', 'disparity_images', 'selection_images')
# Hooks, and settings of the checkpoint hook, that change no result.
_QUIET_HOOKS = ('logger', 'timer', 'visualization')
_QUIET_CHECKPOINT = ('interval', 'max_keep_ckpts', 'out_dir')
_PATH_KEYS = ('ann_file', 'cache', 'data_prefix', 'data_root')
_digests: dict[str, str] = {}


def hash_json(values: Any) -> str:
    """SHA-256 of JSON values, independent of the order of keys."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def relevant_part(cfg: Config, kind: str, tta: bool) -> dict[str, Any]:
    """The part of a config that a stage reads."""
    content = cfg.to_dict()
    # Artefact makers may read anything that the Runner reads.
    every = (*_KEYS['train'], *_KEYS['test'], *_ARTIFACT_KEYS)
    keys = _KEYS.get(kind) or every
    keys = (*keys, *(_TTA_KEYS if tta else ()))
    kept = {key: content[key] for key in keys if content.get(key) is not None}
    hooks = dict(kept.get('default_hooks') or {})
    for name in _QUIET_HOOKS:
        hooks.pop(name, None)
    checkpoint = dict(hooks.pop('checkpoint', None) or {})
    if kind == 'train':
        for name in _QUIET_CHECKPOINT:
            checkpoint.pop(name, None)
        hooks['checkpoint'] = checkpoint
        # The seed is set by the recipe.
        kept['randomness'] = {**kept.get('randomness', {}), 'seed': None}
    kept['default_hooks'] = hooks
    return kept


def portable(value: Any, data: dict[str, str], where: str = '') -> Any:
    """JSON values without paths; what data sets read goes into ``data``."""
    if isinstance(value, Mapping):
        value = dict(value)
        if _is_dataset(value):
            data[where] = _digest(value)
            for key in _PATH_KEYS:
                value.pop(key, None)
        return {
            str(key): portable(item, data, f'{where}.{key}' if where else key)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [
            portable(item, data, f'{where}.{index}')
            for index, item in enumerate(value)
        ]
    if isinstance(value, str) and os.path.isfile(value):
        data[where] = hash_file(value)
        return Path(value).name
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return hash_config({'value': value})


def _is_dataset(value: Mapping[str, Any]) -> bool:
    has_files = 'data_root' in value or 'data_prefix' in value
    return has_files and isinstance(value.get('type'), (str, type))


def _digest(cfg: Mapping[str, Any]) -> str:
    """Fingerprint of the files of a data set's config."""
    cfg = {k: v for k, v in cfg.items() if k not in ('cache', 'pipeline')}
    name = json.dumps(cfg, sort_keys=True, default=repr)
    if name not in _digests:
        if any('<' in text for text in strings(cfg)):
            _digests[name] = _digest_of_folders(cfg)
        else:
            dataset = DATASETS.build({**cfg, 'pipeline': []})
            _digests[name] = digest_samples(dataset)
    return _digests[name]


def _digest_of_folders(cfg: Mapping[str, Any]) -> str:
    """Fingerprint of what is there before the other stages have run."""
    root = cfg.get('data_root') or ''
    folders = [
        os.path.join(root, folder)
        for folder in (cfg.get('data_prefix') or {'': root}).values()
        if folder and '<' not in os.path.join(root, folder)
    ]
    return hash_json([digest_folder(f) for f in folders if os.path.isdir(f)])


def forget_data() -> None:
    """Look at the data anew from now on."""
    _digests.clear()


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value
