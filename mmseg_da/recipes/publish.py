# SPDX-License-Identifier: Apache-2.0
"""Records of recipes: one file per recipe, test stage, seed and repetition."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from mmseg_da.evaluation.records import (
    ConfigInfo,
    Record,
    StageCost,
    read_record,
    split_name,
    write_record,
)
from mmseg_da.reporting.curves import read_scalars

from .config_parts import hash_json
from .plan import FINISHED, Plan, PlannedStage

_POINTS = 200
_OUTDATED = 'outdated'


def record_path(root: Path, plan: Plan, stage: PlannedStage) -> Path:
    """Where the record of a test stage is published."""
    name = plan.recipe.name
    if len(plan.recipe.tests) > 1:
        name += f'-{stage.spec.name}'
    name += f'_seed{plan.seed}'
    if plan.repeat:
        name += f'_repeat{plan.repeat}'
    return root / 'records' / f'{name}.json'


def retire_records(folder: Path, plan: Plan) -> list[Path]:
    """Move records away that no longer hold, so that no table shows them.

    Args:
        folder: Folder of records.
        plan: Decides which hold; records of other recipes and seeds stay.

    Returns:
        Where they are now.
    """
    moved = []
    for stage in plan.tests:
        path = folder / record_path(folder, plan, stage).name
        key = _key_of(path)
        if key is None or key == stage.identity.key:
            continue
        target = path.parent / _OUTDATED / f'{path.stem}-{key[:8]}.json'
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
        moved.append(target)
    return moved


def publish(
    path: Path,
    plan: Plan,
    stage: PlannedStage,
    done_now: frozenset[Path],
) -> None:
    """Write the record of a finished test stage, with its recipe and costs.

    One that is there and whole is left as it is.

    Args:
        path: Where to, see :func:`record_path`.
        plan: Plan that the stage belongs to.
        stage: Test stage, finished.
        done_now: Folders of the stages that this call ran.

    Raises:
        ValueError: The stage's own record is damaged.
    """
    if _key_of(path) == stage.identity.key:
        return
    record = read_record(stage.folder.path / 'record.json')
    stale = any(one.stale_code for one in (*stage.ancestors(), stage))
    code = dataclasses.replace(record.code, ignored=stale)
    record = _complete(record.replace(code=code), plan, stage, done_now)
    write_record(path, record)


def _complete(
    record: Record,
    plan: Plan,
    stage: PlannedStage,
    done_now: frozenset[Path],
) -> Record:
    method, direction, variant = split_name(plan.recipe.name)
    stages = [*stage.ancestors(), stage]
    costs = tuple(_cost(one, one.folder.path in done_now) for one in stages)
    trained = [one for one in stages if one.spec.kind == 'train']
    return record.replace(
        recipe=plan.recipe.name,
        stage=stage.spec.name,
        method=method,
        direction=direction,
        variant=variant,
        seed=plan.seed,
        repeat=plan.repeat,
        selection=stage.spec.selection,
        config=ConfigInfo(
            stage.spec.config.stem, hash_json(stage.identity.parts['config'])
        ),
        data={one.spec.name: one.identity.data_sha256 for one in stages},
        curves=_curves(trained[-1]) if trained else {},
        cost=dataclasses.replace(record.cost, stages=costs),
    )


def _cost(stage: PlannedStage, now: bool) -> StageCost:
    result = stage.folder.result()
    return StageCost(
        name=stage.spec.name,
        kind=stage.spec.kind,
        key=stage.identity.key,
        seconds=None if result is None else result.seconds,
        peak_mib=None if result is None else result.peak_mib,
        code_sha256=stage.identity.code_sha256,
        shared=not now and stage.action == FINISHED,
    )


def _curves(
    stage: PlannedStage,
) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Loss and validation scores over the iterations of a training."""
    series: dict[str, list[tuple[float, ...]]] = {}
    for scalars in read_scalars(stage.folder.work_dir):
        for name in _shown(scalars):
            point = (float(scalars['step']), float(scalars[name]))
            series.setdefault(name, []).append(point)
    return {name: _thin(points) for name, points in series.items()}


def _shown(scalars: dict[str, float]) -> Iterator[str]:
    for name in scalars:
        if name == 'loss' or name.startswith('mIoU'):
            yield name


def _thin(points: list[tuple[float, ...]]) -> tuple[tuple[float, ...], ...]:
    """At most 200 points, the last one always."""
    step = -(-len(points) // _POINTS)
    return tuple(reversed(points[::-1][::step])) if points else ()


def _key_of(path: Path) -> str | None:
    """Key of the test stage that a published record came from.

    Returns:
        None if there is no record, and no key if it is damaged.
    """
    try:
        return read_record(path).cost.stages[-1].key
    except FileNotFoundError:
        return None
    except (ValueError, IndexError):
        return 'damaged'
