# SPDX-License-Identifier: Apache-2.0
"""Reading what SDE publishes: folders of bare parts, and pickles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from .files import SourceFile, read_source
from .matching import first_keys
from .sde_layouts import PARTS

_ROOT = 'models.'
FOLDER_PARTS = ('encoder', 'depth', 'pose', 'pose_encoder')
_ENCODERS = ('encoder', 'pose_encoder', 'imnet_encoder')
# Numbers that files of the monodepth layout hold beside their weights.
_NUMBERS = ('height', 'width', 'use_stereo')
_CLASSIFIER = 'encoder.fc.'


def read_sde(path: str | Path) -> SourceFile:
    """Read a pickle, or a folder of ``depth.pth``, ``encoder.pth``, ...

    Args:
        path: ``best_model*.pkl``, or a folder with one, or with the files of
            the monodepth layout.

    Returns:
        The file; a folder of parts becomes one ``model_state``, its digests
        are those of the names and digests of its files.

    Raises:
        FileNotFoundError: No such file or folder.
        ValueError: An archive, a folder without or with several networks, or
            a file that is not read.
    """
    path = Path(path).expanduser()
    if path.suffix == '.zip':
        raise ValueError(f'{path}: unpack it and give its folder')
    if not path.is_dir():
        return read_source(path)
    files = {part: path / f'{part}.pth' for part in FOLDER_PARTS}
    files = {part: file for part, file in files.items() if file.is_file()}
    if 'depth' in files:
        return _join(path, {k: read_source(v) for k, v in files.items()})
    pickles = sorted(path.glob('best_model*.pkl'))
    if len(pickles) == 1:
        return read_source(pickles[0])
    if pickles:
        names = ', '.join(file.name for file in pickles)
        raise ValueError(f'{path}: holds {names}; name one of them')
    expected = ', '.join(f'{part}.pth' for part in FOLDER_PARTS)
    raise ValueError(
        f'{path}: holds neither depth.pth nor best_model*.pkl; expected a '
        f'folder with {expected} (encoder.pth may lack), or a pickle'
    )


def _join(folder: Path, sources: Mapping[str, SourceFile]) -> SourceFile:
    state: dict[str, Any] = {}
    for part, source in sources.items():
        for key, value in source.content.items():
            state[f'{_ROOT}{part}.{key}'] = value
    lines = ''.join(f'{s.path.name} {s.sha256}\n' for s in sources.values())
    digest = lines.encode()
    content = {
        'model_state': state,
        'files': {s.path.name: s.sha256 for s in sources.values()},
    }
    return SourceFile(
        folder,
        content,
        hashlib.sha256(digest).hexdigest(),
        hashlib.md5(digest, usedforsecurity=False).hexdigest(),
    )


def split_parts(
    source: SourceFile,
) -> tuple[dict[str, dict[str, Tensor]], list[str]]:
    """Weights by part, without their prefixes.

    The classifier of an encoder and the numbers of the monodepth layout are
    left out.

    Returns:
        Part -> weights, in the order of ``PARTS``; notes on what was dropped.

    Raises:
        ValueError: No network of SDE, an unknown part, or no tensor.
    """
    path, state = source.path, source.content.get('model_state')
    if not isinstance(state, Mapping):
        raise ValueError(
            f'{path}: no network of SDE (a dict with model_state); its first '
            f'keys: {first_keys(list(source.content))}. For bare files '
            '(depth.pth, encoder.pth, ...) give their folder.'
        )
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
    dropped, unknown = [], []
    for key, value in state.items():
        part, _, name = key.removeprefix(_ROOT).partition('.')
        encoder = part in _ENCODERS
        if not key.startswith(_ROOT) or part not in parts:
            unknown.append(key)
        elif encoder and (name.startswith(_CLASSIFIER) or name in _NUMBERS):
            dropped.append(f'{part}.{name}')
        elif not isinstance(value, Tensor):
            unknown.append(f'{key} ({type(value).__name__})')
        else:
            parts[part][name] = value
    if unknown:
        raise ValueError(
            f'{path}: model_state: expected tensors below {_ROOT}<part>. with '
            f'the parts {", ".join(PARTS)}; {len(unknown)} entries are not, '
            f'e.g. {first_keys(unknown)}'
        )
    notes = [f'left out {first_keys(dropped)}'] if dropped else []
    return {k: v for k, v in parts.items() if v}, notes
