# SPDX-License-Identifier: Apache-2.0
"""The grid: which recipes and seeds a benchmark is made of."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log

from mmseg_da.datasets.street_world.generate import generate, resolve_formats
from mmseg_da.datasets.street_world.manifest import read_manifest
from mmseg_da.datasets.street_world.world import WorldSettings
from mmseg_da.evaluation.records import split_name
from mmseg_da.recipes import Plan, load_recipe, recipe_names
from mmseg_da.recipes.config_parts import strings

from .rows import CEILING, target_of

ALL = 'all'
# Tags of StreetWorld in config names, and the format that each reads.
STREET_WORLD = {
    'swg': 'gta',
    'swc': 'cityscapes',
    'sws': 'synthia',
    'swm': 'mapillary',
}
# Further formats for recipes that read video; one that has exact depth for all
# frames, and no more frames than they read.
VIDEO = {'swg': 'gta_seq', 'swc': 'cityscapes_sequence'}
VIDEO_WORLD = WorldSettings(sequence_frames=3, truth_share=1.0)
_READS_VIDEO = ('SequenceDataset', 'LoadExactDisparity')


@dataclass(frozen=True)
class Cell:
    """A recipe with one seed; ``repeat`` counts runs of the same seed."""

    recipe: str
    seed: int
    repeat: int = 0

    def __str__(self) -> str:
        again = f', repeat {self.repeat}' if self.repeat else ''
        return f'{self.recipe}, seed {self.seed}{again}'


@dataclass
class GridResult:
    """What a run of the grid gave.

    Attributes:
        plans: Of the cells that could be planned.
        records: Record files of the cells that are finished.
        failures: Why the others are not.
        report: What the failed stages said.
    """

    plans: dict[Cell, Plan] = field(default_factory=dict)
    records: dict[Cell, list[Path]] = field(default_factory=dict)
    failures: dict[Cell, str] = field(default_factory=dict)
    report: str = ''

    def failure_lines(self) -> list[str]:
        """Reasons, each once with the cells that it hit."""
        cells: dict[str, list[str]] = {}
        for cell, reason in self.failures.items():
            cells.setdefault(reason, []).append(str(cell))
        lines = [self.report] if self.report else []
        lines += [
            f'{"; ".join(names)}: {reason}' for reason, names in cells.items()
        ]
        return [*lines, 'The same command goes on with what is missing.']


def choose_recipes(
    directions: Iterable[str],
    methods: Iterable[str] = (ALL,),
    known: Sequence[str] | None = None,
) -> list[str]:
    """Recipes of some methods in some directions.

    Args:
        directions: E.g. ``['swg2swc']``; the oracle of a direction's target
            belongs to it.
        methods: Methods (``'adabn'``) or whole recipes
            (``'adabn_swg2swc'``); ``'all'``: all that are present.
        known: Names of all recipes; by default those of the repository.

    Returns:
        Names, sorted.

    Raises:
        ValueError: Unknown direction or method (names the nearest), or
            nothing is left. Methods that other directions have are left out.
    """
    known = recipe_names() if known is None else list(known)
    split = {name: split_name(name) for name in known}
    directions, methods = list(directions), list(methods)
    present = sorted({direction for _, direction, _ in split.values()})
    for direction in directions:
        _check('direction', direction, present)
    here = {
        name: method
        for name, (method, direction, _) in split.items()
        if direction in directions
        or (method == CEILING and direction in map(target_of, directions))
    }
    chosen = [
        name
        for name, method in here.items()
        if {ALL, name, method} & set(methods)
    ]
    offered = {ALL, *here.values(), *here}
    elsewhere = {*known, *(method for method, _, _ in split.values())}
    left_out = [x for x in methods if x not in offered and x in elsewhere]
    for method in methods:
        if not chosen or method not in left_out:
            _check('method', method, sorted(offered))
    if left_out:
        print_log(
            f'{", ".join(directions)} has no {", ".join(left_out)}: left out',
            'current',
        )
    return sorted(chosen)


def make_cells(
    recipes: Iterable[str],
    seeds: Sequence[int],
    repeat_seeds: Sequence[int] = (),
) -> list[Cell]:
    """All cells; first seeds first, so that a table is there early.

    Args:
        recipes: Names.
        seeds: Seeds of every recipe.
        repeat_seeds: Seeds that are run once more, for the noise report.

    Raises:
        ValueError: A repeated seed is none of the seeds.
    """
    names = list(recipes)
    foreign = [str(seed) for seed in repeat_seeds if seed not in seeds]
    if foreign:
        raise ValueError(
            f'--repeat-seed {",".join(foreign)} is none of --seeds '
            f'{",".join(map(str, seeds))}'
        )
    cells = [Cell(name, seed) for seed in seeds for name in names]
    again = [Cell(name, seed, 1) for seed in repeat_seeds for name in names]
    return [*cells, *again]


def street_world_root() -> Path:
    """Folder that the configs read StreetWorld from."""
    return Path(os.environ.get('STREET_WORLD_ROOT') or 'data/street_world')


def ensure_street_world(recipes: Iterable[str], workers: int) -> list[str]:
    """Make what the recipes need of StreetWorld and is not there.

    A folder that is there is used as it is, whatever its settings; an
    interrupted one is finished. Recipes that read video or exact depth get
    ``VIDEO_WORLD``; another folder than the plain one has to hold it.

    Args:
        recipes: Names of recipes.
        workers: Processes that draw.

    Returns:
        Formats that were made.

    Raises:
        ValueError: The folder holds something else.
        OSError: It cannot be written.
    """
    recipes = list(recipes)
    tags = {
        tag.partition('-')[0]
        for name in recipes
        for tag in split_name(name)[1].split('2', 1)
    }
    tags &= set(STREET_WORLD)
    if not tags:
        return []
    settings = WorldSettings()
    wanted = [STREET_WORLD[tag] for tag in sorted(tags)]
    if any(map(reads_video, recipes)):
        settings = VIDEO_WORLD
        wanted += [VIDEO[tag] for tag in sorted(tags & set(VIDEO))]
    root = street_world_root()
    manifest = read_manifest(root) or {}
    there = manifest.get('formats', {})
    missing = [
        name
        for name in resolve_formats(wanted)
        if not there.get(name, {}).get('finished')
    ]
    if not missing:
        return []
    return list(generate(root, missing, settings, workers, progress=True))


def reads_video(recipe: str) -> bool:
    """Whether a stage of a recipe reads video or exact depth."""
    configs = {stage.config for stage in load_recipe(recipe).stages}
    return any(
        name in text
        for config in configs - {None}
        for text in strings(
            Config.fromfile(config, import_custom_modules=False).to_dict()
        )
        for name in _READS_VIDEO
    )


def _check(what: str, value: str, allowed: Sequence[str]) -> None:
    if value in allowed:
        return
    names = sorted(set(allowed))
    near = difflib.get_close_matches(value, names, n=3, cutoff=0.4)
    hint = f'nearest: {", ".join(near)}. ' if near else ''
    raise ValueError(
        f'{what} {value!r} is unknown; {hint}All: {", ".join(names)}'
    )
