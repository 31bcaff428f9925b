# SPDX-License-Identifier: Apache-2.0
"""What has to be done for a recipe and a seed, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .declaration import PLACEHOLDER, Recipe, StageSpec
from .folders import StageFolder, read_head
from .identity import Identity, identify

# What is done with a stage.
FINISHED = 'finished'
UNNEEDED = 'not needed'
RESUME = 'resume'
RUN = 'run'
_SHOWN = 3


@dataclass(frozen=True)
class RunSettings:
    """How recipes are run.

    Args:
        work_root: Folder of stages and records.
        processes: Processes (GPUs) of a training.
        launcher: 'none', or 'slurm' to start trainings with srun.
        ignore_code: Take stages of older code for current.
        parallel: Stages that run at the same time.
        threads: CPU threads of a stage.
    """

    work_root: Path
    processes: int = 1
    launcher: str = 'none'
    ignore_code: bool = False
    parallel: int = 1
    threads: int = 1


@dataclass(frozen=True)
class PlannedStage:
    """A stage of a recipe and seed.

    Attributes:
        spec: As declared.
        identity: What decides its result.
        folder: Where it runs.
        inputs: Stages that it takes from, by name.
        action: ``FINISHED``, ``UNNEEDED``, ``RESUME`` or ``RUN``.
        reason: Why it has to run.
        seed: Of a training.
        repeat: Number of a repetition with the same seed.
        tokens: Stage name to a name that does not depend on the recipe.
        stale_code: Whether ``--ignore-code`` took it for current.
    """

    spec: StageSpec
    identity: Identity
    folder: StageFolder
    inputs: Mapping[str, PlannedStage]
    action: str
    reason: str
    seed: int | None
    repeat: int
    tokens: Mapping[str, str]
    stale_code: bool = False

    def ancestors(self) -> list[PlannedStage]:
        """All stages before it, each once, in an order to run them."""
        found: dict[str, PlannedStage] = {}
        for stage in self.inputs.values():
            for one in (*stage.ancestors(), stage):
                found.setdefault(one.spec.name, one)
        return list(found.values())

    @property
    def pending(self) -> bool:
        """Whether it has to run."""
        return self.action in (RESUME, RUN)


@dataclass(frozen=True)
class Plan:
    """All stages of a recipe for one seed."""

    recipe: Recipe
    seed: int
    repeat: int
    stages: tuple[PlannedStage, ...]

    @property
    def tests(self) -> tuple[PlannedStage, ...]:
        """Stages that give a record."""
        return tuple(s for s in self.stages if s.spec.kind == 'test')


def plan_recipe(
    recipe: Recipe, seed: int, settings: RunSettings, repeat: int = 0
) -> Plan:
    """Find out which stages are missing. Writes nothing.

    Args:
        recipe: The recipe.
        seed: Seed of its trainings.
        settings: How it will be run.
        repeat: Number of a repetition with the same seed.

    Raises:
        FileNotFoundError: Data are missing.
        ValueError: A config or a folder is wrong.
    """
    planned: dict[str, PlannedStage] = {}
    tokens = _tokens(recipe)
    for spec in (stage.with_seed(seed) for stage in recipe.stages):
        names = {name for name, _ in spec.references()}
        inputs = {name: planned[name] for name in planned if name in names}
        planned[spec.name] = _plan_stage(
            spec, inputs, tokens, seed, repeat, settings
        )
    needed = _needed(planned)
    stages = [
        stage
        if stage.action == FINISHED or stage.spec.name in needed
        else dataclasses.replace(stage, action=UNNEEDED, reason='')
        for stage in planned.values()
    ]
    return Plan(recipe, seed, repeat, tuple(stages))


def identify_again(stage: PlannedStage, settings: RunSettings) -> Identity:
    """Work out the identity of a planned stage anew."""
    return _identify(
        stage.spec,
        stage.inputs,
        stage.tokens,
        stage.seed,
        stage.repeat,
        settings.processes,
    )


def _identify(
    spec: StageSpec,
    inputs: Mapping[str, PlannedStage],
    tokens: Mapping[str, str],
    seed: int | None,
    repeat: int,
    processes: int,
) -> Identity:
    """Work out the identity of a stage whose inputs are planned."""
    settings: dict[str, Any] = {}
    if spec.kind == 'train':
        settings = {'seed': seed, 'processes': processes}
        if repeat:
            settings['repeat'] = repeat
    elif spec.checkpoint:
        settings = {'selection': spec.selection}
    if spec.kind == 'test':
        settings['tta'] = spec.tta
    return identify(
        spec,
        {tokens[name]: stage.identity for name, stage in inputs.items()},
        {k: _with_tokens(v, tokens) for k, v in spec.options.items()},
        {k: _with_tokens(v, tokens) for k, v in spec.env.items()},
        [_with_tokens(text, tokens) for text in spec.arguments],
        settings,
    )


def _plan_stage(
    spec: StageSpec,
    inputs: Mapping[str, PlannedStage],
    tokens: Mapping[str, str],
    seed: int,
    repeat: int,
    settings: RunSettings,
) -> PlannedStage:
    own_seed = None
    if spec.kind == 'train':
        own_seed = seed if spec.seed is None else spec.seed
    identity = _identify(
        spec, inputs, tokens, own_seed, repeat, settings.processes
    )
    stages = settings.work_root / 'stages'
    prefix = spec.title if own_seed is None else f'{spec.title}-s{own_seed}'
    folder = StageFolder(stages / f'{prefix}-{identity.key[:8]}', identity)
    stale = False
    if settings.ignore_code and not folder.result():
        older = _of_older_code(stages, prefix, identity)
        if older is not None:
            folder, stale = older, True
            identity = folder.identity
    folder.check_owner()
    action, reason = _action(folder, stages, prefix)
    return PlannedStage(
        spec=spec,
        identity=identity,
        folder=folder,
        inputs=inputs,
        action=action,
        reason=reason,
        seed=own_seed,
        repeat=repeat,
        tokens=tokens,
        stale_code=stale,
    )


def _action(folder: StageFolder, stages: Path, prefix: str) -> tuple[str, str]:
    """What to do with a stage, if its result is needed at all."""
    if folder.finished:
        damage = folder.damage()
        return (RUN, damage) if damage else (FINISHED, '')
    if folder.begun:
        return RESUME, 'was interrupted'
    return RUN, _difference(folder.identity, stages, prefix)


def _needed(planned: Mapping[str, PlannedStage]) -> set[str]:
    """Names of unfinished stages that a missing result depends on."""
    taken = {name for stage in planned.values() for name in stage.inputs}
    needed: set[str] = set()
    for name, stage in reversed(planned.items()):
        is_end = stage.spec.kind == 'test' or name not in taken
        if stage.action != FINISHED and (is_end or name in needed):
            needed |= {name, *stage.inputs}
    return needed


def _tokens(recipe: Recipe) -> dict[str, str]:
    """Stage name to a name that does not depend on the recipe."""
    tokens: dict[str, str] = {}
    for spec in recipe.stages:
        same = sum(spec.title == t.partition('~')[0] for t in tokens.values())
        tokens[spec.name] = f'{spec.title}~{same}' if same else spec.title
    return tokens


def _with_tokens(value: Any, tokens: Mapping[str, str]) -> str:
    def token(match: Any) -> str:
        name, output = match.groups()
        return f'<{tokens[name]}{"." + output if output else ""}>'

    return PLACEHOLDER.sub(token, str(value))


def _of_older_code(
    stages: Path, prefix: str, identity: Identity
) -> StageFolder | None:
    """Newest finished folder that differs in nothing but the code."""
    found = []
    for path in stages.glob(f'{prefix}-????????'):
        head = read_head(path)
        if head is not None and head['loose_key'] == identity.loose_key:
            older = Identity(head['parts'], head['key'], head['loose_key'])
            folder = StageFolder(path, older)
            if folder.result() is not None:
                time = (path / 'stage.json').stat().st_mtime_ns
                found.append((time, folder))
    return max(found, key=lambda item: item[0])[1] if found else None


def _difference(identity: Identity, stages: Path, prefix: str) -> str:
    """Why the newest finished stage of that name does not count."""
    heads = [path / 'stage.json' for path in stages.glob(f'{prefix}-????????')]
    heads = [path for path in heads if path.is_file()]
    if not heads:
        return 'never run'
    newest = max(heads, key=lambda path: path.stat().st_mtime_ns)
    head = read_head(newest.parent)
    if head is None:
        return 'never run'
    changes = list(_changes(head['parts'], identity.parts))
    more = f' and {len(changes) - _SHOWN} more' if changes[_SHOWN:] else ''
    return '; '.join(changes[:_SHOWN]) + more


def _changes(old: Any, new: Any, where: str = '') -> Iterator[str]:
    """Leaves that differ, as text."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            name = f'{where}.{key}' if where else key
            yield from _changes(old.get(key), new.get(key), name)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f'{where} changed'
            return
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from _changes(*pair, f'{where}.{index}')
    elif old != new:
        part, _, name = where.partition('.')
        if part in ('code', 'data', 'inputs'):
            yield f'{part} {name} changed'
        else:
            yield f'{name or part} was {old!r}, is {new!r}'
