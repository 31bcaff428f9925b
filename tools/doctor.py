# SPDX-License-Identifier: Apache-2.0
"""Check whether this machine can run mmseg-da, or the data of a config.

Prints one row per check with what to do; the exit code is 1 if something
will not work. It also runs where torch or mmseg are missing or broken.

    python tools/doctor.py [--data-root data] [--json]
    python tools/doctor.py --data CONFIG [--full] [--sample 50] [--json]
"""

import argparse
import contextlib
import importlib
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
    )
    parser.add_argument(
        '--data-root',
        type=Path,
        help='folder of the data sets, checked for space and permission',
    )
    parser.add_argument(
        '--data',
        metavar='CONFIG',
        help='check the data sets, class views and pretrained weights of a '
        'config instead of the machine',
    )
    parser.add_argument(
        '--full', action='store_true', help='with --data: read every file'
    )
    parser.add_argument(
        '--sample',
        type=positive,
        default=50,
        metavar='N',
        help='with --data: images read of each data set (default 50)',
    )
    parser.add_argument(
        '--workers',
        type=positive,
        default=min(8, os.cpu_count() or 1),
        metavar='N',
        help='with --data: processes for many files (default: cores, max. 8)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='with --data: settings that override the config',
    )
    parser.add_argument(
        '--json', action='store_true', help='print JSON instead of a table'
    )
    return parser.parse_args(argv)


def positive(text: str) -> int:
    """Read a whole number from 1 on."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is no number >= 1')
    return int(text)


def import_diagnostics() -> types.ModuleType:
    """Import ``mmseg_da.diagnostics``, also where mmseg_da cannot load."""
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    try:
        return importlib.import_module('mmseg_da.diagnostics')
    except Exception:
        # What is broken is just what has to be reported: take the two
        # sub-packages that need no stack, without mmseg_da/__init__.py.
        package = types.ModuleType('mmseg_da')
        package.__path__ = [str(ROOT / 'mmseg_da')]
        sys.modules['mmseg_da'] = package
    return importlib.import_module('mmseg_da.diagnostics')


def run_checks(
    args: argparse.Namespace, diagnostics: types.ModuleType
) -> list:
    """Check the machine or, where that works, what a config reads."""
    checks = diagnostics.environment_checks(args.data_root)
    if args.data is None:
        return checks
    broken = [check for check in checks if check.status == 'fail']
    if broken:
        # Without a working stack no data set can be built.
        return broken
    data = importlib.import_module('mmseg_da.diagnostics.data')
    options = data.ReadOptions(
        full=args.full,
        sample=args.sample,
        workers=args.workers,
        progress=sys.stderr.isatty(),
    )
    return data.data_checks(args.data, options, args.cfg_options)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the checks, print them, return the exit code."""
    args = parse_args(argv)
    try:
        # Packages that print while they are imported must not break --json.
        with contextlib.redirect_stdout(sys.stderr):
            diagnostics = import_diagnostics()
            checks = run_checks(args, diagnostics)
    except ModuleNotFoundError as error:
        print(
            f'{error.name} is not installed. Install everything with: '
            'pip install -e .[onedl] -c requirements/constraints.txt',
            file=sys.stderr,
        )
        return 1
    if args.json:
        print(diagnostics.render_json(checks))
    else:
        print(diagnostics.render_table(checks, color=sys.stdout.isatty()))
    return diagnostics.exit_code(checks)


if __name__ == '__main__':
    sys.exit(main())
