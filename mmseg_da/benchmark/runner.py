# SPDX-License-Identifier: Apache-2.0
"""Run the cells of a grid as recipes, and keep what the tables need."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console

from mmseg_da.recipes import (
    Plan,
    PlannedStage,
    RecipeError,
    RunSettings,
    load_recipe,
    open_root,
    plan_recipe,
    record_path,
    run_recipes,
)
from mmseg_da.recipes.commands import (
    stage_command,
    stage_config,
    stage_environment,
)
from mmseg_da.recipes.publish import retire_records
from mmseg_da.reporting import evenly_spaced
from mmseg_da.utils.files import atomic_write

from .grid import Cell, GridResult
from .panels import COUNT, collect_panels, is_predicted
from .rows import Row, read_rows

_LOG_LINES = 8


def run_cells(
    cells: Sequence[Cell], settings: RunSettings, console: Console
) -> GridResult:
    """Run the recipes of cells; a stage that several share runs once.

    A cell that cannot be planned, or fails, does not stop the others.

    Args:
        cells: Cells.
        settings: How recipes are run.
        console: Where progress is shown.

    Raises:
        ValueError: The work root holds something else.
    """
    open_root(settings.work_root)
    result = GridResult()
    for cell in cells:
        try:
            result.plans[cell] = _plan(cell, settings)
        except (ValueError, OSError) as error:
            result.failures[cell] = str(error)
    try:
        run_recipes(list(result.plans.values()), settings, console)
    except RecipeError as error:
        result.report = str(error)
    for cell, plan in result.plans.items():
        paths = [
            record_path(settings.work_root, plan, stage)
            for stage in plan.tests
        ]
        done = all(stage.folder.result() is not None for stage in plan.tests)
        if done and all(path.is_file() for path in paths):
            result.records[cell] = paths
        else:
            result.failures[cell] = 'a stage failed, see above'
    return result


def _plan(cell: Cell, settings: RunSettings) -> Plan:
    recipe = load_recipe(cell.recipe)
    return plan_recipe(recipe, cell.seed, settings, cell.repeat)


def publish_records(result: GridResult, folder: Path) -> list[Path]:
    """Copy the records of finished cells into another folder.

    Records there that no longer hold move to ``outdated``, even if the cell
    that would replace them failed.

    Args:
        result: What ran.
        folder: Where the tables read them.

    Returns:
        The copies; none where the records lie in ``folder`` already.
    """
    for plan in result.plans.values():
        retire_records(folder, plan)
    copies = []
    for path in (path for paths in result.records.values() for path in paths):
        target = folder / path.name
        if target.resolve() == path.resolve():
            continue
        with atomic_write(target) as temporary:
            temporary.write_bytes(path.read_bytes())
        copies.append(target)
    return copies


def make_pictures(
    result: GridResult,
    settings: RunSettings,
    records: Path,
    directions: Iterable[str],
) -> list[str]:
    """Predict the same few test images with every row's first seed.

    They lie in ``<records>/panels``, and are made once per checkpoint.

    Args:
        result: What ran.
        settings: How recipes are run.
        records: Folder of records.
        directions: Directions.

    Returns:
        What went wrong; pictures are no reason to fail.
    """
    problems = []
    rows = read_rows(records)
    for direction in directions:
        stages = _test_stages(result, rows.get(direction, []))
        others = {row.name for row in rows.get(direction, [])} - stages.keys()
        with ThreadPoolExecutor(settings.parallel) as pool:
            jobs = {
                name: pool.submit(_predict, stage, count, settings)
                for name, (stage, count) in stages.items()
            }
        folders = {}
        for name, job in jobs.items():
            error = job.exception()
            if error is None:
                folders[name] = job.result()
            elif isinstance(error, (RuntimeError, ValueError, OSError)):
                problems.append(f'no pictures of {name}: {error}')
            else:
                raise error
        out = records / 'panels' / direction
        try:
            if folders:
                first = stages[next(iter(folders))][0]
                collect_panels(out, stage_config(first), folders, others)
        except (RuntimeError, ValueError, OSError) as error:
            problems.append(f'no pictures of {direction}: {error}')
    return problems


def _test_stages(
    result: GridResult, rows: Sequence[Row]
) -> dict[str, tuple[PlannedStage, int]]:
    """Test stage of every row's first seed, and its number of images."""
    stages = {}
    for row in rows:
        record = row.first
        if record.seed is None:
            continue
        plan = result.plans.get(
            Cell(record.recipe, record.seed, record.repeat)
        )
        for stage in plan.tests if plan else ():
            done = stage.folder.result() is not None
            if stage.spec.name == record.stage and done:
                stages[row.name] = (stage, record.protocol.images)
    return stages


def _predict(stage: PlannedStage, images: int, settings: RunSettings) -> Path:
    """Test a few images again, with predictions written.

    Raises:
        RuntimeError: The test failed.
    """
    folder = stage.folder.path / f'pictures{COUNT}'
    if is_predicted(folder):
        return folder
    own = ('--json=', '--work-dir=')
    command = stage_command(stage, settings)
    command = [part for part in command if not part.startswith(own)]
    positions = ','.join(map(str, evenly_spaced(images, COUNT)))
    command += [
        f'--out={folder}',
        '--format-only',
        f'--work-dir={stage.folder.work_dir / "pictures"}',
        '--cfg-options',
        f'test_dataloader.dataset.indices=[{positions}]',
    ]
    done = subprocess.run(
        command,
        env={**os.environ, **stage_environment(stage, settings)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = '\n'.join(done.stdout.splitlines()[-_LOG_LINES:])
        raise RuntimeError(f'exit code {done.returncode}\n{tail}')
    return folder
