# SPDX-License-Identifier: Apache-2.0
"""Reading and writing checkpoints without running code from them."""

import functools
import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from .files import atomic_write

TRUST_VARIABLE = 'MMSEG_DA_TRUST_CHECKPOINTS'
# Methods that a HistoryBuffer refers to in a pickled message hub.
_HISTORY_METHODS = ('min', 'max', 'current', 'mean')


@functools.cache
def checkpoint_globals() -> list:
    """Return what a training checkpoint holds beside tensors.

    The list goes to ``torch.serialization.safe_globals``. It has numpy
    arrays and scalars and the message hub's ``HistoryBuffer``; none of
    them runs code from the file.
    """
    core = getattr(np, '_core', None) or np.core
    entries: list = [HistoryBuffer, np.ndarray, np.dtype]
    # numpy 1 and 2 write different module names for the same functions.
    for prefix in ('numpy._core', 'numpy.core'):
        for name in ('_reconstruct', 'scalar'):
            function = getattr(core.multiarray, name)
            entries.append((function, f'{prefix}.multiarray.{name}'))
    dtypes = {type(np.dtype(code)) for code in '?bBhHiIlLqQefd'}
    entries += sorted(dtypes, key=lambda dtype: dtype.__name__)
    # The buffer's methods are pickled as getattr(HistoryBuffer, 'mean').
    entries.append((_history_method, 'builtins.getattr'))
    return entries


def _history_method(owner: type, name: str) -> object:
    """Stand in for ``getattr`` in a checkpoint, for one class only."""
    if owner is not HistoryBuffer or name not in _HISTORY_METHODS:
        raise pickle.UnpicklingError(
            f'it asks for attribute {name!r} of {owner!r}'
        )
    return getattr(owner, name)


def load_checkpoint(path: str | Path) -> dict:
    """Read a checkpoint onto the CPU with ``weights_only=True``.

    Args:
        path (str | Path): A file written by ``torch.save``.

    Returns:
        dict: The content, for mmengine ``meta``, ``state_dict``, ...

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no checkpoint, is truncated, or holds objects
            that only an unsafe load could restore.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}: no such checkpoint file; work_dirs/<config>/'
            'last_checkpoint names the newest one of a run'
        )
    try:
        with torch.serialization.safe_globals(checkpoint_globals()):
            content = torch.load(path, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        raise ValueError(_why_not(path, error)) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'{path}: holds a {type(content).__name__}, expected the dict '
            'that torch.save writes for a checkpoint'
        )
    return content


def _why_not(path: Path, error: Exception) -> str:
    """Explain in a few lines why a file was not read."""
    with path.open('rb') as file:
        head = file.read(4)
    if head[:2] not in (b'PK', b'\x80\x02'):
        return (
            f'{path}: not a torch checkpoint (first bytes {head!r}); expected '
            'a .pth file written by torch.save. Is it a truncated download?'
        )
    if isinstance(error, pickle.UnpicklingError):
        reason = _refused_part(str(error))
        return (
            f'{path}: refused, it holds more than tensors and plain types '
            f'({reason}), and restoring that could run code from the file. '
            'If you trust its origin, load it with torch.load(path, '
            'weights_only=False) and save its state_dict anew, or set '
            f'{TRUST_VARIABLE}=1 for one run of tools/train.py or test.py.'
        )
    return (
        f'{path}: broken or truncated checkpoint '
        f'({str(error).splitlines()[0]}); copy or train it again'
    )


def _refused_part(message: str) -> str:
    """Return the line of torch's long message that names the object."""
    message = message.split('WeightsUnpickler error: ')[-1].strip()
    lines = [line for line in message.splitlines() if ' GLOBAL ' in line]
    return (lines or message.splitlines())[0].strip()


def refuse_unsafe_checkpoints() -> None:
    """Let the Runner read local checkpoints with :func:`load_checkpoint`.

    mmengine falls back to ``weights_only=False`` where the safe load fails;
    the tools call this to get a refusal with its reason instead. The
    environment variable ``MMSEG_DA_TRUST_CHECKPOINTS=1`` switches it off.
    """
    if os.environ.get(TRUST_VARIABLE) == '1':
        return
    CheckpointLoader.register_scheme(
        prefixes='', loader=_strict_loader, force=True
    )


def _strict_loader(
    filename: str, map_location: str | torch.device | None = None
) -> dict:
    """Load for mmengine, which moves tensors to the model's device itself."""
    del map_location
    return load_checkpoint(os.path.expanduser(filename))


def save_checkpoint(content: dict, path: str | Path) -> None:
    """Write a checkpoint under a temporary name, then rename it.

    Args:
        content (dict): Tensors and plain types.
        path (str | Path): The file; its folder is made if needed.

    Raises:
        OSError: If the folder cannot be made or written.
    """
    with atomic_write(path) as temporary:
        torch.save(content, temporary)


def to_plain(value: object, key: str = 'meta') -> object:
    """Return a value as plain Python types and tensors.

    numpy scalars become numbers, numpy arrays and tuples become lists.

    Args:
        value (object): Anything a checkpoint's ``meta`` may hold.
        key (str): Its name, for the error.

    Raises:
        ValueError: If it holds another type, naming the key.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Tensor):
        return value.detach().clone().cpu()
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {
            str(name): to_plain(item, f'{key}.{name}')
            for name, item in value.items()
        }
    if isinstance(value, Sequence):
        return [to_plain(v, f'{key}[{i}]') for i, v in enumerate(value)]
    raise ValueError(
        f'{key} is a {type(value).__name__}; only numbers, strings, lists, '
        'dicts and tensors may be published'
    )
