# SPDX-License-Identifier: Apache-2.0
"""What a recipe declares: its stages, and what each takes from others."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger

from mmseg_da.engine.artifacts import KINDS as ARTIFACT_KINDS

REPO = Path(__file__).resolve().parents[2]
CONFIGS = REPO / 'configs/methods'
RECIPES = REPO / 'configs/recipes'
STAGE_KINDS = ('train', 'artifact', 'test')
SELECTIONS = ('last', 'best')
# Variables of `_base_` files of recipes, from which stages are put together.
_PARTS = ('_stages', '_env')
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9-]*')
_ENTRIES: dict[str, tuple[type, ...]] = {
    'name': (str,),
    'kind': (str,),
    'config': (str,),
    'artifact': (str,),
    'checkpoint': (str,),
    'selection': (str,),
    'arguments': (list, tuple),
    'options': (dict,),
    'env': (dict,),
    'seed': (int,),
    'tta': (bool,),
}
_ONLY_FOR = {
    'artifact': ('artifact',),
    'checkpoint': ('artifact', 'test'),
    'arguments': ('artifact',),
    'selection': ('test', 'artifact'),
    'seed': ('train',),
    'tta': ('test',),
}
# {stage} or {stage.output} in the values of options, env and arguments.
PLACEHOLDER = re.compile(r'\{([A-Za-z0-9-]+)(?:\.(\w+))?\}')
# Stands for the seed of the run at the same places.
SEED = '{seed}'
OUTPUTS = {
    'train': ('last', 'best', 'work_dir'),
    'artifact': ('folder', 'root', 'key'),
    'test': (),
}


@dataclass(frozen=True)
class StageSpec:
    """One stage as it is declared.

    Args:
        name: Unique in the recipe.
        kind: 'train', 'artifact' or 'test'.
        config: Config file; None for artefacts that need none.
        artifact: Kind of the artefact that is made.
        checkpoint: Train stage whose weights are tested or read.
        selection: 'last' or 'best' checkpoint of it.
        arguments: More arguments of ``tools/make_artifact.py``; may hold
            ``{stage}`` and ``{seed}``, the seed of the run.
        options: ``--cfg-options``; values likewise.
        env: Environment variables of the config; likewise.
        seed: Seed that never changes, to share a stage between seeds.
        tta: Test-time augmentation.
    """

    name: str
    kind: str
    config: Path | None
    artifact: str = ''
    checkpoint: str = ''
    selection: str = 'last'
    arguments: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    tta: bool = False

    @property
    def title(self) -> str:
        """The name that does not depend on the recipe."""
        what = self.artifact if self.kind == 'artifact' else self.kind
        return f'{what}-{self.config.stem if self.config else self.name}'

    def references(self) -> list[tuple[str, str]]:
        """(stage, output) of everything that it takes, each once."""
        found = [(self.checkpoint, self.selection)] if self.checkpoint else []
        texts = (*self.options.values(), *self.env.values(), *self.arguments)
        for text in texts:
            found += PLACEHOLDER.findall(str(text).replace(SEED, ''))
        return list(dict.fromkeys(found))

    def with_seed(self, seed: int) -> StageSpec:
        """The stage with ``{seed}`` filled in."""

        def fill(value: Any) -> Any:
            if not isinstance(value, str):
                return value
            return value.replace(SEED, str(seed))

        return dataclasses.replace(
            self,
            arguments=tuple(map(fill, self.arguments)),
            options={k: fill(v) for k, v in self.options.items()},
            env={k: fill(v) for k, v in self.env.items()},
        )


@dataclass(frozen=True)
class Recipe:
    """Stages in an order in which they can run."""

    name: str
    stages: tuple[StageSpec, ...]

    @property
    def tests(self) -> tuple[StageSpec, ...]:
        """Stages that give a record."""
        return tuple(s for s in self.stages if s.kind == 'test')


def recipe_names() -> list[str]:
    """Names of all recipes, with those of one training and one test."""
    names = {path.stem for path in CONFIGS.glob('*_*.py')}
    return sorted(names | {path.stem for path in RECIPES.glob('*.py')})


def load_recipe(name: str | Path) -> Recipe:
    """Read a recipe, or make the usual one of a config.

    Args:
        name: Name of a file in ``configs/recipes`` or ``configs/methods``,
            or the path of such a file.

    Raises:
        ValueError: Unknown name (with the nearest ones), or a declaration
            with a mistake; names file, stage and entry.
    """
    path = _find(str(name))
    with quiet():
        cfg = Config.fromfile(path, import_custom_modules=False)
    if 'stages' not in cfg:
        return Recipe(path.stem, _usual_stages(path))
    extra = [x for x in cfg if x != 'stages' and not x.endswith(_PARTS)]
    if extra:
        raise ValueError(
            f'{path}: a recipe holds `stages` only, found {sorted(extra)}. '
            'Settings belong into the configs of the stages; parts of stages '
            f'have names that end in {" or ".join(_PARTS)}.'
        )
    stages: list[StageSpec] = []
    for entry in cfg.stages:
        stages.append(_stage(path, entry, stages))
    if not any(stage.kind == 'test' for stage in stages):
        raise ValueError(f"{path}: a recipe needs a stage of kind 'test'")
    return Recipe(path.stem, tuple(stages))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what configs and data sets log out of the plan."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _usual_stages(config: Path) -> tuple[StageSpec, ...]:
    return (
        StageSpec('train', 'train', config),
        StageSpec('test', 'test', config, checkpoint='train'),
    )


def _find(name: str) -> Path:
    if name.endswith('.py'):
        path = Path(name).expanduser()
        if path.is_file():
            return path.resolve()
        raise ValueError(f'{name}: there is no such recipe or config file')
    for folder in (RECIPES, CONFIGS):
        if (folder / f'{name}.py').is_file():
            return folder / f'{name}.py'
    known = recipe_names()
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known
    raise ValueError(
        f'method {name!r} is unknown; nearest: {", ".join(near)}. All: '
        'the files in configs/methods and configs/recipes.'
    )


def _stage(path: Path, entry: Any, before: list[StageSpec]) -> StageSpec:
    """Check a declared stage and build it."""
    if not isinstance(entry, Mapping):
        raise ValueError(f'{path}: stages holds {entry!r}, expected dict(...)')
    where = f'{path}: stage {entry.get("name", len(before))!r}'
    _check_entries(where, entry)
    values = {key: value for key, value in entry.items() if key != 'config'}
    values['arguments'] = tuple(map(str, entry.get('arguments', ())))
    config = None
    if 'config' in entry:
        config = _config_of(where, path, entry['config'])
    stage = StageSpec(config=config, **values)
    if stage.name in [other.name for other in before]:
        raise ValueError(f'{where} is declared twice')
    for name, output in stage.references():
        _check_reference(where, name, output, before)
    return stage


def _check_entries(where: str, entry: Mapping[str, Any]) -> None:
    needed = ['name', 'kind']
    if entry.get('kind') != 'artifact' or {'checkpoint', 'options'} & {*entry}:
        needed.append('config')
    for key in needed:
        if key not in entry:
            raise ValueError(f'{where} has no {key!r}')
    _check_choice(where, entry, 'kind', STAGE_KINDS)
    for key, value in entry.items():
        if key not in _ENTRIES:
            near = difflib.get_close_matches(key, _ENTRIES, n=1)
            hint = f'did you mean {near[0]!r}?' if near else sorted(_ENTRIES)
            raise ValueError(f'{where}: {key!r} is unknown; {hint}')
        if not isinstance(value, _ENTRIES[key]):
            kind = _ENTRIES[key][0].__name__
            raise ValueError(f'{where}: {key}={value!r}, expected {kind}')
        if entry['kind'] not in _ONLY_FOR.get(key, STAGE_KINDS):
            raise ValueError(
                f'{where}: a stage of kind {entry["kind"]!r} takes no {key!r}'
            )
    _check_choice(where, entry, 'selection', SELECTIONS)
    _check_choice(where, entry, 'artifact', ARTIFACT_KINDS)
    if entry['kind'] == 'artifact' and 'artifact' not in entry:
        raise ValueError(f"{where} has no 'artifact'; one of {ARTIFACT_KINDS}")
    if entry['kind'] == 'test' and 'checkpoint' not in entry:
        raise ValueError(f"{where} has no 'checkpoint', a train stage")
    if not _NAME.fullmatch(entry['name']):
        raise ValueError(f'{where}: use letters, digits and "-" in the name')
    if entry['name'] == SEED.strip('{}'):
        raise ValueError(
            f'{where}: choose another name; {SEED} is the seed of the run'
        )


def _check_choice(
    where: str, entry: Mapping[str, Any], key: str, allowed: tuple[str, ...]
) -> None:
    if key in entry and entry[key] not in allowed:
        raise ValueError(
            f'{where}: {key}={entry[key]!r}; allowed: {", ".join(allowed)}'
        )


def _config_of(where: str, recipe: Path, name: str) -> Path:
    """A config beside the methods, or a path relative to the recipe."""
    near = Path(name).stem
    places = (recipe.parent / name, CONFIGS / f'{name.removesuffix(".py")}.py')
    for path in places:
        if path.is_file():
            return path.resolve()
    known = [path.stem for path in CONFIGS.glob('*_*.py')]
    close = difflib.get_close_matches(near, known, n=3, cutoff=0.4) or known
    raise ValueError(
        f'{where}: config {name!r} does not exist; nearest: {", ".join(close)}'
    )


def _check_reference(
    where: str, name: str, output: str, before: list[StageSpec]
) -> None:
    earlier = {stage.name: stage for stage in before}
    if name not in earlier:
        raise ValueError(
            f'{where} takes {name!r}, which is no earlier stage; earlier '
            f'ones: {", ".join(earlier) or "none"}'
        )
    allowed = OUTPUTS[earlier[name].kind]
    if not allowed or (output and output not in allowed):
        raise ValueError(
            f'{where} takes {output or "the output"!r} of {name!r}, a '
            f'{earlier[name].kind} stage; it gives: '
            f'{", ".join(allowed) or "nothing"}'
        )
