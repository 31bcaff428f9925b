# SPDX-License-Identifier: Apache-2.0
"""The kinds of ``tools/make_artifact.py``."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import NamedTuple, Protocol

from .artifacts import ArtifactStore

__all__ = [
    'ARTIFACT_COMMANDS',
    'ArtifactCommand',
    'CommandEntry',
    'load_command',
]


class ArtifactCommand(Protocol):
    """How one kind of artefact is made from the command line."""

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the kind's options; --key, --root, --overwrite and --clear
        are there already.
        """

    @staticmethod
    def run(args: argparse.Namespace, store: ArtifactStore) -> str:
        """Make the artefact and return what to print."""


class CommandEntry(NamedTuple):
    """Where a kind's command is.

    Attributes:
        module: Python module.
        name: Its :class:`ArtifactCommand`.
        summary: One line of help.
    """

    module: str
    name: str
    summary: str


_DATA = 'mmseg_da.datasets.conversion.artifact_commands'
_UDA = 'mmseg_da.uda.ranking_command'
ARTIFACT_COMMANDS: dict[str, CommandEntry] = {
    'class_stats': CommandEntry(
        _DATA, 'ClassStatsCommand', 'pixels per class and image'
    ),
    'disparity': CommandEntry(
        'mmseg_da.uda.disparity_command',
        'DisparityCommand',
        'predicted disparities of a depth network',
    ),
    'entropy_ranking': CommandEntry(
        _UDA, 'EntropyRankingCommand', 'easy and hard images, pseudo labels'
    ),
    'label_selection': CommandEntry(
        'mmseg_da.uda.label_command',
        'LabelSelectionCommand',
        'which images are labelled',
    ),
}


def load_command(kind: str) -> type[ArtifactCommand]:
    """Import the command of a kind.

    Raises:
        ValueError: Unknown kind.
    """
    if kind not in ARTIFACT_COMMANDS:
        raise ValueError(
            f'artefact kind {kind!r} has no command; allowed: '
            f'{", ".join(ARTIFACT_COMMANDS)}'
        )
    entry = ARTIFACT_COMMANDS[kind]
    return getattr(import_module(entry.module), entry.name)
