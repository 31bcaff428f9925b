# SPDX-License-Identifier: Apache-2.0
"""What ``tools/train.py`` and ``tools/test.py`` share."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from urllib.error import URLError

from mmengine.config import Config

import mmseg_da

from .config_file_keys import (
    refuse_misspelt_keys,
    unexpected_argument,
    unknown_type,
)
from .config_options import (
    add_cfg_options,
    merge_options,
    parse_options,
)
from .files import atomic_write, ensure_writable

DEBUG_VARIABLE = 'MMSEG_DA_DEBUG'
USER_ERROR_CODE = 2
_USER_ERRORS = (ValueError, OSError, ImportError, SyntaxError, UnpicklingError)
# "class `X` in path/x.py: ", put before messages by some mmengines.
_BUILDER = re.compile(r'^(class `\w+` in \S+: )+')


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that training and testing share, in mmseg's words."""
    parser.add_argument('--work-dir', help='folder of logs and checkpoints')
    add_cfg_options(
        parser,
        what='settings that override the config, e.g. '
        'train_cfg.max_iters=100 model.x="[1,2]"; unknown keys are errors',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how the processes were started',
    )
    parser.add_argument(
        '--debug',
        action='store_true',
        help=f'show the full traceback of errors (also {DEBUG_VARIABLE}=1)',
    )
    parser.add_argument(
        '--local-rank',
        '--local_rank',
        type=int,
        default=0,
        help=argparse.SUPPRESS,
    )


def run_tool(
    tool: Callable[[argparse.Namespace], None], args: argparse.Namespace
) -> int:
    """Run a tool; print errors of the user on one screen.

    The traceback goes to ``error.log`` in the work directory, once that is
    known (``args.work_dir`` is an absolute path), or is shown with
    ``--debug``. Other errors are bugs and keep their traceback.

    Args:
        tool: Function of the parsed arguments.
        args: Has the common arguments.

    Returns:
        Exit code: 0, or 2 after an error of the user.
    """
    if args.launcher != 'none':
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    try:
        tool(args)
    except (*_USER_ERRORS, KeyError, TypeError) as error:
        debug = args.debug or os.environ.get(DEBUG_VARIABLE, '0') != '0'
        if debug or not is_user_error(error):
            raise
        where = _save_traceback(args.work_dir)
        text = error_text(error)
        if isinstance(error, (KeyError, TypeError)):
            text = f'{args.config}: {text}'
        print(f'\nerror: {text}\n{where}', file=sys.stderr)
        return USER_ERROR_CODE
    return 0


def is_user_error(error: Exception) -> bool:
    """A KeyError or TypeError is one only when a config entry caused it."""
    if isinstance(error, TypeError):
        return unexpected_argument(error) is not None
    return not isinstance(error, KeyError) or 'registry' in str(error)


def error_text(error: Exception) -> str:
    """Return the message of an error without the wrapping of libraries."""
    if isinstance(error, TypeError):
        return unexpected_argument(error) or str(error)
    if isinstance(error, KeyError):
        text = str(error.args[0])
        return unknown_type(text) or _BUILDER.sub('', text)
    text = str(error)
    if isinstance(error, URLError):
        return (
            f'a file of the config could not be downloaded ({text}). Without '
            'a network give local files: tools/print_config.py CONFIG shows '
            'the addresses (init_cfg.checkpoint=torchvision://... or '
            'http...); set e.g. --cfg-options '
            'model.segmentor.backbone.init_cfg.checkpoint=FILE'
        )
    if 'Original Traceback' in text:
        # torch re-raises errors of data workers with the traceback inside.
        text = re.split(r'^[\w.]+(?:Error|Exception): ', text, flags=re.M)[-1]
    return _BUILDER.sub('', text) or type(error).__name__


def _save_traceback(work_dir: str | None) -> str:
    """Keep the traceback where a long run can be looked at afterwards."""
    if work_dir and os.path.isabs(work_dir) and os.path.isdir(work_dir):
        path = Path(work_dir) / 'error.log'
        try:
            with atomic_write(path) as temporary:
                temporary.write_text(traceback.format_exc(), encoding='utf-8')
        except OSError:
            pass
        else:
            return f'(traceback: {path})'
    return '(--debug shows the traceback)'


def load_config(path: str, options: list[str]) -> Config:
    """Read a config file and merge ``--cfg-options`` into it.

    Args:
        path: Config file.
        options: ``KEY=VALUE`` texts.

    Returns:
        The config; its ``custom_imports`` were imported.

    Raises:
        FileNotFoundError: No such file; names the nearest ones.
        ValueError: A file of another kind, or an unknown key.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(
            f'config {path!r} does not exist.{_nearest_configs(file)}'
        )
    if file.suffix != '.py':
        raise ValueError(
            f'config {path!r} is not a .py file; expected a config like '
            'configs/methods/oracle_cs.py.'
        )
    cfg = Config.fromfile(str(file))
    refuse_misspelt_keys(cfg, path)
    merge_options(cfg, parse_options(options))
    return cfg


def _nearest_configs(file: Path) -> str:
    """Names of existing configs that are close to a missing one."""
    repository = Path(mmseg_da.__file__).parents[1]
    known: dict[str, Path] = {}
    for folder in (file.parent, repository / 'configs' / 'methods'):
        if folder.is_dir():
            for path in sorted(folder.glob('*.py')):
                known.setdefault(path.stem, path)
    near = difflib.get_close_matches(file.stem, known, n=3, cutoff=0.4)
    if not near:
        return ' The configs of the suite are in configs/methods.'
    return ' Nearest: ' + ', '.join(_short(known[name]) for name in near) + '.'


def _short(path: Path) -> str:
    """Path relative to the current folder where it lies below it."""
    path, here = path.resolve(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def set_work_dir(cfg: Config, args: argparse.Namespace) -> None:
    """Choose the work directory and check that it can be written.

    Command line, then config, then ``work_dirs/<config name>``. Both
    ``cfg.work_dir`` and ``args.work_dir`` become the absolute path.

    Raises:
        OSError: It cannot be made or written.
    """
    default = os.path.join('work_dirs', Path(args.config).stem)
    chosen = args.work_dir or cfg.get('work_dir') or default
    key = '--work-dir' if args.work_dir else 'work_dir'
    cfg.work_dir = args.work_dir = str(ensure_writable(chosen, key))
