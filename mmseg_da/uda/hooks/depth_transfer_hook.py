# SPDX-License-Identifier: Apache-2.0
"""Start a segmentation network from what the depth stages made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_da.engine.artifacts import ArtifactStore
from mmseg_da.utils.checkpoints import load_checkpoint


@HOOKS.register_module()
class DepthTransferHook(Hook):
    """Check what the depth stages made; load the depth network.

    Everything that is missing, weights and disparities, is named at once. The
    weights are loaded at iteration 0 only, before the teacher copies them
    (:class:`MeanTeacherHook`); a resumed run keeps its own.

    Args:
        checkpoint (str, optional): Checkpoint of :class:`MonoDepth`. Defaults
            to None, no transfer.
        config (str): Config that makes it, for the message. Defaults to ''.
        disparities (Sequence[dict]): The :class:`LoadDisparityArtifact` of
            the pipelines: entries with ``root`` and ``key``. Defaults to ().
        recipe (str): Name of the recipe that makes everything, for the
            message. Defaults to ''.

    Raises:
        ValueError: If an entry lacks its key; before training, if something
            is missing or unusable.
    """

    priority = 'VERY_HIGH'

    def __init__(
        self,
        checkpoint: str | None = None,
        config: str = '',
        disparities: Sequence[dict] = (),
        recipe: str = '',
    ) -> None:
        for entry in disparities:
            if not {'root', 'key'} <= set(entry):
                raise ValueError(
                    f'DepthTransferHook.disparities: {dict(entry)} has to be '
                    'dict(root=..., key=...), e.g. the LoadDisparityArtifact '
                    'of a pipeline'
                )
        self.checkpoint = checkpoint
        self.config = config
        self.disparities = [(x['root'], x['key']) for x in disparities]
        self.recipe = recipe

    def before_train(self, runner: Runner) -> None:
        """Check everything, then load the weights at iteration 0."""
        problems = []
        for root, key in self.disparities:
            try:
                ArtifactStore(root).open('disparity', key)
            except (FileNotFoundError, ValueError) as error:
                problems.append(f'- {error}')
        wanted = self.checkpoint is not None and runner.iter == 0
        if wanted and not Path(self.checkpoint).is_file():
            problems.append(
                f'- depth network {self.checkpoint} is missing; make it with: '
                f'python tools/train.py configs/methods/{self.config}.py'
            )
        if problems:
            raise ValueError(self._message(problems))
        if wanted:
            self._load(runner)

    def _message(self, problems: list[str]) -> str:
        text = 'this run reads what is not there:\n' + '\n'.join(problems)
        if self.recipe:
            text += (
                '\nOne command makes all of it: python tools/run_method.py '
                f'{self.recipe}'
            )
        return text

    def _load(self, runner: Runner) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        content = load_checkpoint(self.checkpoint)
        weights = content.get('state_dict', content)
        try:
            found = model.load_state_dict(weights, strict=False)
        except RuntimeError as error:
            first = str(error).splitlines()[1:2] or [str(error)]
            raise ValueError(
                f'{self.checkpoint} has weights of other shapes than this '
                f'model: {first[0].strip()} Is it of another decoder or '
                f'encoder? Train one with configs/methods/{self.config}.py'
            ) from error
        # Classifiers and exchange are new, the encoder must not be.
        lacking = [
            name
            for name in found.missing_keys
            if name.startswith('segmentor.backbone.')
        ]
        if lacking:
            raise ValueError(
                f'{self.checkpoint} is not a depth network of this model: '
                f'{lacking[0]} is not in it. Train one with '
                f'configs/methods/{self.config}.py'
            )
