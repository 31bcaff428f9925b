# SPDX-License-Identifier: Apache-2.0
"""What a stage's result depends on: config, data, code, and other stages.

Two stages with the same identity have the same result, wherever they ran:
paths, logging and the settings of other phases are left out, data roots are
replaced by fingerprints of the data.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_da.compat import stack_info
from mmseg_da.datasets.digest import digest_folder
from mmseg_da.engine.code_hash import PACKAGE, code_hashes
from mmseg_da.engine.commands import ARTIFACT_COMMANDS, load_command
from mmseg_da.evaluation.record_maker import require_classes
from mmseg_da.reporting.machine import describe_versions
from mmseg_da.utils.config_options import merge_options, parse_options

from .config_parts import hash_json, portable, relevant_part, strings
from .declaration import REPO, StageSpec, quiet

TOOLS = {
    'train': 'tools/train.py',
    'artifact': 'tools/make_artifact.py',
    'test': 'tools/test.py',
}
_FOREIGN = ('mmcv', 'mmengine', 'mmseg')
_versions: dict[str, str] = {}


@dataclass(frozen=True)
class Identity:
    """Everything that decides a stage's result, as JSON values.

    Attributes:
        parts: 'stage', 'config', 'data', 'code', 'inputs', 'settings'.
        key: SHA-256 of the parts.
        loose_key: The same without code, for ``--ignore-code``.
    """

    parts: Mapping[str, Any]
    key: str
    loose_key: str

    @property
    def code_sha256(self) -> str:
        """SHA-256 of the code part."""
        return hash_json(self.parts['code'])

    @property
    def data_sha256(self) -> str:
        """SHA-256 of the data part."""
        return hash_json(self.parts['data'])


def identify(
    spec: StageSpec,
    inputs: Mapping[str, Identity],
    options: Mapping[str, str],
    env: Mapping[str, str],
    arguments: Sequence[str],
    settings: Mapping[str, Any],
) -> Identity:
    """Work out the identity of a stage.

    Args:
        spec: Declared stage.
        inputs: Identities of the stages that it takes from, by title.
        options: ``--cfg-options``; outputs of other stages are written as
            ``<title>``, so that no path is in the identity.
        env: Environment variables; likewise.
        arguments: Of an artefact's command; likewise.
        settings: Seed, number of processes and the like.

    Raises:
        FileNotFoundError: Data are missing.
        ValueError: The config is wrong.
    """
    data: dict[str, str] = {}
    kept: dict[str, Any] = {}
    with quiet():
        if spec.config is not None:
            cfg = resolve(spec.config, options, env)
            if spec.kind == 'test':
                require_classes(cfg, f'stage {spec.name!r} of a recipe')
            kept = relevant_part(cfg, spec.kind, spec.tta)
        config = portable(kept, data)
    if arguments:
        config['arguments'] = [_argument(text, data) for text in arguments]
    packages = {n.partition('.')[0] for n in _custom_imports(kept)}
    modules = []
    if spec.kind == 'artifact':
        modules = [command_module(spec.artifact)]
    packages -= {PACKAGE, *_FOREIGN}
    tool = REPO / TOOLS[spec.kind]
    code = code_hashes(tool, set(strings(kept)), packages, modules)
    parts = {
        'stage': spec.title,
        'config': config,
        'data': dict(sorted(data.items())),
        'code': {**code, **_library_versions()},
        'inputs': {name: part.key for name, part in inputs.items()},
        'settings': dict(settings),
    }
    loose = {**parts, 'code': {}}
    loose['inputs'] = {name: part.loose_key for name, part in inputs.items()}
    return Identity(parts, hash_json(parts), hash_json(loose))


def resolve(
    config: Path, options: Mapping[str, str], env: Mapping[str, str]
) -> Config:
    """Read a config as a stage will read it.

    Raises:
        ValueError: The file or an option is wrong; names the config.
    """
    with environment(env), quiet():
        try:
            cfg = Config.fromfile(config)
        except (SyntaxError, KeyError, FileNotFoundError) as error:
            raise ValueError(f'config {config}: {error}') from error
    pairs = [f'{key}={value}' for key, value in options.items()]
    merge_options(cfg, parse_options(pairs))
    return cfg


@contextlib.contextmanager
def environment(env: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {key: os.environ.get(key) for key in env}
    os.environ.update(env)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _argument(text: str, data: dict[str, str]) -> str:
    """An argument of a command, without the path of a data folder."""
    if os.path.isdir(text):
        data[f'arguments.{Path(text).name}'] = digest_folder(text)
        return Path(text).name
    return str(portable(text, data, f'arguments.{Path(text).name}'))


def command_module(kind: str) -> str:
    """Module that makes a kind of artefact.

    Raises:
        ValueError: ``tools/make_artifact.py`` does not know the kind.
    """
    load_command(kind)
    return ARTIFACT_COMMANDS[kind].module


def _custom_imports(cfg: Mapping[str, Any]) -> list[str]:
    imports = (cfg.get('custom_imports') or {}).get('imports', [])
    return [imports] if isinstance(imports, str) else list(imports)


def _library_versions() -> dict[str, str]:
    """Versions of the libraries; another one may give another result."""
    if not _versions:
        own = 'mmseg-da'
        found = {**describe_versions(), 'stack': stack_info().name}
        _versions.update(
            {k: v.partition('+')[0] for k, v in found.items() if k != own}
        )
    return _versions
