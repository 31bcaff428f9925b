#!/usr/bin/env python
# SPDX-License-Identifier: Apache-2.0
"""Make one of the files that stages hand to each other.

    python tools/make_artifact.py class_stats --dataset gta data/gta
    python tools/make_artifact.py label_selection --key cs-1-8 \
        --dataset cityscapes data/cityscapes --select fraction:1/8:seed42

See docs/converters.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.engine.commands import ARTIFACT_COMMANDS, load_command
from mmseg_da.utils.cli import exit_with


def parse_args(
    argv: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n', maxsplit=1)[0]
    )
    kinds = parser.add_subparsers(dest='kind', required=True, metavar='KIND')
    for kind, entry in ARTIFACT_COMMANDS.items():
        command = kinds.add_parser(kind, help=entry.summary)
        command.add_argument('--key', help='name of the artefact')
        command.add_argument(
            '--root',
            default='artifacts',
            help='artefact store (default: %(default)s)',
        )
        command.add_argument(
            '--overwrite', action='store_true', help='replace a finished one'
        )
        command.add_argument(
            '--clear',
            action='store_true',
            help='throw away a half-written one of another origin',
        )
        load_command(kind).add_arguments(command)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the artefact and say where it is."""
    args = parse_args(argv)
    print(load_command(args.kind).run(args, ArtifactStore(args.root)))
    return 0


if __name__ == '__main__':
    exit_with(main)
