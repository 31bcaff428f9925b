# SPDX-License-Identifier: Apache-2.0
"""Print a config with its bases and options merged.

python tools/misc/print_config.py CONFIG [--cfg-options a.b=1] [--out F]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmseg_da.utils.cli import add_config_arguments, exit_with
from mmseg_da.utils.files import atomic_write
from mmseg_da.utils.tool_runner import load_config


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_config_arguments(parser)
    parser.add_argument('--out', type=Path, help='write it there as well')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the merged config, return the exit code."""
    args = parse_args(argv)
    config = load_config(args.config, args.cfg_options)
    print(config.pretty_text)
    if args.out is not None:
        with atomic_write(args.out) as temporary:
            temporary.write_text(config.pretty_text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    exit_with(main)
