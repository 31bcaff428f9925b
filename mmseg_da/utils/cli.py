# SPDX-License-Identifier: Apache-2.0
"""Command line of the small tools; train and test have ``tool_runner``."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from .config_options import add_cfg_options
from .tool_runner import (
    DEBUG_VARIABLE,
    USER_ERROR_CODE,
    error_text,
    is_user_error,
)


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``config`` and ``--cfg-options``, for ``load_config``."""
    parser.add_argument('config', help='config file')
    add_cfg_options(parser)


def exit_with(main: Callable[[], int | None]) -> NoReturn:
    """Call a tool's ``main`` and exit with its code.

    A ``ValueError`` or ``OSError`` (wrong option, missing file, no
    permission), or a ``type`` in a config that no class has, becomes its
    message and exit code 2. Anything else is a defect of ours and keeps its
    traceback, and so does everything with the environment variable
    ``MMSEG_DA_DEBUG=1``.

    Args:
        main (Callable): Returns the exit code; None means 0.
    """
    try:
        code = main() or 0
    except (ValueError, OSError, KeyError) as error:
        debug = os.environ.get(DEBUG_VARIABLE, '0') != '0'
        if debug or not is_user_error(error):
            raise
        print(f'error: {error_text(error)}', file=sys.stderr)
        print(f'({DEBUG_VARIABLE}=1 shows the traceback)', file=sys.stderr)
        code = USER_ERROR_CODE
    sys.exit(code)
