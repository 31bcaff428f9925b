# SPDX-License-Identifier: Apache-2.0
"""Progress of running stages: bars on a terminal, else a line now and then."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from mmseg_da.evaluation.records import read_record
from mmseg_da.reporting.curves import read_scalars

from .plan import FINISHED, UNNEEDED, Plan, PlannedStage

_LINE_SECONDS = 60.0


class TrainingState(NamedTuple):
    """How far a training is: iteration, a short text, GPU memory (MiB)."""

    iteration: int
    text: str
    gpu_mib: float


def training_state(work_dir: Path) -> TrainingState:
    """Read how far a training is from ``vis_data/scalars.json``."""
    records = read_scalars(work_dir)
    losses = [r for r in records if 'iter' in r]
    scores = [r['mIoU'] for r in records if 'mIoU' in r]
    if not losses:
        return TrainingState(0, 'starting', 0.0)
    text = f'loss {losses[-1].get("loss", float("nan")):.3g}'
    if scores:
        text += f', val mIoU {scores[-1]:.1f}'
    memory = max(float(r.get('memory', 0)) for r in losses)
    return TrainingState(int(losses[-1]['iter']), text, memory)


def gpu_mib(stage: PlannedStage) -> float:
    """Peak GPU memory of a stage that has ended, MiB.

    Returns:
        0 where no GPU was used, or the stage does not tell (an artefact).

    Raises:
        ValueError: The record of a test is damaged.
    """
    if stage.spec.kind == 'train':
        return training_state(stage.folder.work_dir).gpu_mib
    if stage.spec.kind == 'test':
        record = read_record(stage.folder.path / 'record.json')
        return record.cost.peak_cuda_mib or 0.0
    return 0.0


class Board:
    """Shows the running stages.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        # Redrawn by the caller: no thread while processes are started.
        self._bars = Progress(
            TextColumn('  {task.description}'),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn('{task.fields[note]}'),
            console=console,
            auto_refresh=False,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> Board:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def start(self, name: str, total: int | None) -> None:
        """Show a stage that was started; ``total`` in iterations."""
        task = self._bars.add_task(name, total=total, note='starting')
        self._tasks[name] = task
        self._said[name] = time.monotonic()
        if not self.console.is_terminal:
            self.line(f'  {name}: started')

    def move(
        self, name: str, iteration: int, note: str, gpu_mib: float
    ) -> None:
        """Show how far a stage is."""
        del gpu_mib
        task = self._tasks[name]
        self._bars.update(task, completed=iteration, note=note)
        if self.console.is_terminal:
            return
        if time.monotonic() - self._said[name] >= _LINE_SECONDS:
            self._said[name] = time.monotonic()
            state = self._bars.tasks[self._bars.task_ids.index(task)]
            left = state.time_remaining
            rest = f', {left:.0f} s left' if left is not None else ''
            total = f'/{state.total:.0f}' if state.total else ''
            self.line(f'  {name}: iteration {iteration}{total}, {note}{rest}')

    def end(self, name: str) -> None:
        """A stage is no longer running."""
        self._bars.remove_task(self._tasks.pop(name))

    def line(self, text: str) -> None:
        """Print a line above the bars."""
        self.console.print(text, highlight=False, soft_wrap=True)

    def refresh(self) -> None:
        """Draw the bars."""
        self._bars.refresh()


def plan_table(plans: list[Plan]) -> Table:
    """What will be done; a stage that several plans share is shown once."""
    table = Table(show_edge=False, box=None, pad_edge=False)
    for title in ('recipe', 'seed', 'stage', 'action', 'folder', 'why'):
        table.add_column(title, overflow='fold')
    seen: set[Path] = set()
    for plan in plans:
        for stage in plan.stages:
            path = stage.folder.path
            action = stage.action
            if path in seen and action not in (FINISHED, UNNEEDED):
                action = 'shared'
            seen.add(path)
            seed = f'{plan.seed}' + (f'.{plan.repeat}' if plan.repeat else '')
            reason = '' if action == 'shared' else stage.reason
            table.add_row(
                plan.recipe.name, seed, stage.spec.name, action, path.name,
                reason,
            )  # fmt: skip
    return table
