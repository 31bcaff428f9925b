# SPDX-License-Identifier: Apache-2.0
"""Check whether this machine and its packages can run mmseg-da.

Prints one row per check with what to do; the exit code is 1 if something
will not work. It also runs where torch or mmseg are missing or broken.

    python tools/doctor.py [--data-root data] [--json]
"""

import argparse
import importlib
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
        '--json', action='store_true', help='print JSON instead of a table'
    )
    return parser.parse_args(argv)


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the checks, print them, return the exit code."""
    args = parse_args(argv)
    try:
        diagnostics = import_diagnostics()
    except ModuleNotFoundError as error:
        print(
            f'{error.name} is not installed. Install everything with: '
            'pip install -e .[onedl] -c requirements/constraints.txt',
            file=sys.stderr,
        )
        return 1
    checks = diagnostics.environment_checks(args.data_root)
    if args.json:
        print(diagnostics.render_json(checks))
    else:
        print(diagnostics.render_table(checks, color=sys.stdout.isatty()))
    return diagnostics.exit_code(checks)


if __name__ == '__main__':
    sys.exit(main())
