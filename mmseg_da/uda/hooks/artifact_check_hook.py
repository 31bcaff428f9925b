# SPDX-License-Identifier: Apache-2.0
"""Refuse to train on missing or stale artefacts."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_da.engine.artifacts import ArtifactStore

from .missing_inputs import refuse_missing


@HOOKS.register_module()
class ArtifactCheckHook(Hook):
    """Check all artefacts a run reads before iteration 0.

    Args:
        root (str): Folder of the artefact store.
        required (Sequence[dict]): Entries with ``kind`` and ``key``, and
            optionally ``expect`` (manifest entries, see
            ``ArtifactStore.open``).
        verify (str): 'size' or 'full' (SHA-256 of each file). Defaults to
            'size'.

    Raises:
        ValueError: If an entry is malformed; before training, if artefacts
            are missing, foreign, stale or edited: names all of them, with
            the commands that make them.
    """

    priority = 'VERY_HIGH'

    def __init__(
        self,
        root: str,
        required: Sequence[dict],
        verify: str = 'size',
    ) -> None:
        for entry in required:
            unknown = sorted(entry.keys() - {'kind', 'key', 'expect'})
            if unknown or 'kind' not in entry or 'key' not in entry:
                raise ValueError(
                    f'ArtifactCheckHook.required: {dict(entry)} has to be '
                    'dict(kind=..., key=..., expect=dict(...))'
                )
        self.store = ArtifactStore(root)
        self.required = [dict(entry) for entry in required]
        self.verify = verify

    def before_train(self, runner: Runner) -> None:
        """Check every artefact; raise once for all problems."""
        problems = []
        for entry in self.required:
            try:
                self.store.open(**entry, verify=self.verify)
            except (FileNotFoundError, ValueError) as error:
                problems.append(str(error))
        refuse_missing(problems, runner)
