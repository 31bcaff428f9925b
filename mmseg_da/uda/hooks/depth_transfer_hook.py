# SPDX-License-Identifier: Apache-2.0
"""Start a network from what earlier depth stages made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS, TRANSFORMS

from mmseg_da.utils.checkpoints import load_checkpoint

from .missing_inputs import refuse_missing


@HOOKS.register_module()
class DepthTransferHook(Hook):
    """Check what the depth stages made; load the depth network.

    Everything that is missing, weights and disparities, is named at once. The
    weights are loaded at iteration 0 only, before the teacher copies them
    (:class:`MeanTeacherHook`); a resumed run keeps its own, and so does one
    with a ``load_from``. Every weight of the chosen parts has to be there.

    Args:
        checkpoint (str, optional): Checkpoint of :class:`MonoDepth`. Defaults
            to None, no transfer.
        config (str): Config that makes it, for the message. Defaults to ''.
        disparities (Sequence[dict]): The :class:`LoadDisparityArtifact` of
            the pipelines, with ``root`` and ``key``. Defaults to ().
        parts (Sequence[str], optional): Parts of that network to take, of
            'encoder', 'decoder', 'pose_net'. Defaults to None, all that the
            model has.

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
        parts: Sequence[str] | None = None,
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
        self.loaders = [
            TRANSFORMS.build({'type': 'LoadDisparityArtifact', **entry})
            for entry in disparities
        ]
        self.parts = parts

    def before_train(self, runner: Runner) -> None:
        """Check everything, then load the weights at iteration 0."""
        problems = []
        for loader in self.loaders:
            try:
                loader.check()
            except (FileNotFoundError, ValueError) as error:
                problems.append(str(error))
        wanted = self.checkpoint is not None and runner.iter == 0
        if wanted and runner._load_from is not None:
            print_log(
                f'load_from={runner._load_from!r} is the start: the depth '
                f'network {self.checkpoint} is not loaded',
                logger='current',
            )
            wanted = False
        if wanted and not Path(self.checkpoint).is_file():
            problems.append(
                f'depth network {self.checkpoint} is missing; make it with: '
                f'python tools/train.py configs/methods/{self.config}.py'
            )
        refuse_missing(problems, runner)
        if wanted:
            self._load(runner)

    def _load(self, runner: Runner) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        modules = self._chosen(model.depth_parts)
        content = load_checkpoint(self.checkpoint)
        weights = {
            name: value
            for name, value in content.get('state_dict', content).items()
            if name.partition('.')[0] in modules
        }
        for part in modules:
            if not any(name.startswith(f'{part}.') for name in weights):
                raise self._unfit(f'it has no weights {part}.*')
        try:
            found = model.load_state_dict(weights, strict=False)
        except RuntimeError as error:
            first = str(error).splitlines()[1:2] or [str(error)]
            raise self._unfit(first[0].strip()) from error
        # Classifiers and exchange are new, what was chosen must not be.
        prefixes = tuple(f'{x}.' for names in modules.values() for x in names)
        lacking = [x for x in found.missing_keys if x.startswith(prefixes)]
        if lacking or found.unexpected_keys:
            raise self._unfit(
                f'{lacking[0]} is not in it'
                if lacking
                else f'this model has no {found.unexpected_keys[0]}'
            )

    def _chosen(self, available: dict[str, list[str]]) -> dict[str, list[str]]:
        """The parts to take and the modules they go to."""
        wanted = available if self.parts is None else self.parts
        unknown = sorted(set(wanted) - set(available))
        if unknown:
            raise ValueError(
                f'DepthTransferHook.parts={list(wanted)}: the model has no '
                f'{unknown}, only {sorted(available)}'
            )
        return {part: available[part] for part in wanted}

    def _unfit(self, reason: str) -> ValueError:
        return ValueError(
            f'{self.checkpoint} is not a depth network of this model: '
            f'{reason}. Is it of another encoder or decoder, or trained with '
            f'given motion? Train one with configs/methods/{self.config}.py'
        )
