# SPDX-License-Identifier: Apache-2.0
"""Run the missing stages of plans, several at a time where they allow it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from .commands import (
    collect_outputs,
    command_text,
    is_done,
    iterations,
    stage_command,
    stage_environment,
)
from .config_parts import forget_data
from .folders import open_root
from .locks import StageLock
from .plan import Plan, PlannedStage, RunSettings, identify_again
from .processes import Child, Ended, describe_failure
from .progress import Board, gpu_mib, training_state
from .publish import publish, record_path, retire_records

_POLL_SECONDS = 0.25
_NOTE_SECONDS = 5.0
_MIN_FREE = 200 * 2**20


class RecipeError(RuntimeError):
    """Stages failed; the text has their last log lines and what to do."""


@dataclass
class _Running:
    """A started stage."""

    stage: PlannedStage
    child: Child
    lock: StageLock
    total: int | None
    before: tuple[float, float]
    noted: float = 0.0


class RecipeRunner:
    """Runs plans; a stage that several of them share runs once.

    A stage that fails does not stop those that do not depend on it. Nothing
    that is finished is lost, and the next call goes on.

    Args:
        plans: From :func:`plan_recipe`, for the same settings.
        settings: How recipes are run.
        console: Where progress is shown.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        settings: RunSettings,
        console: Console,
    ) -> None:
        self.plans = plans
        self.settings = settings
        self.board = Board(console)
        self.root = settings.work_root
        self._waiting: dict[Path, PlannedStage] = {}
        self._running: dict[Path, _Running] = {}
        self._failed: dict[Path, str] = {}
        self._done: set[Path] = set()
        self._checked: set[Path] = set()
        self._published: set[Path] = set()
        self._records = {
            record_path(self.root, plan, stage): (plan, stage)
            for plan in plans
            for stage in plan.tests
        }

    def run(self) -> list[Path]:
        """Run what is missing and publish the records.

        Returns:
            The records of all plans.

        Raises:
            RecipeError: A stage failed.
            ValueError: The work root holds something else.
            OSError: It cannot be written.
        """
        open_root(self.root)
        (self.root / 'stages').mkdir(exist_ok=True)
        for plan in self.plans:
            retire_records(self.root / 'records', plan)
            for stage in plan.stages:
                if stage.pending:
                    self._waiting.setdefault(stage.folder.path, stage)
        self._publish()
        with self.board:
            try:
                while self._waiting or self._running:
                    self._start_ready()
                    self._look()
                    self.board.refresh()
            finally:
                self._stop()
        self._publish()
        if self._failed:
            raise RecipeError(self._report())
        return [path for path in self._records if path in self._published]

    def _start_ready(self) -> None:
        for path, stage in list(self._waiting.items()):
            inputs = {one.folder.path for one in stage.inputs.values()}
            if inputs & self._failed.keys():
                # Its own message would only repeat that of the input.
                self._failed[path] = ''
                del self._waiting[path]
            elif len(self._running) >= self.settings.parallel:
                return
            elif not inputs & (self._waiting.keys() | self._running.keys()):
                del self._waiting[path]
                try:
                    self._start(stage)
                except (ValueError, OSError) as error:
                    self._fail(stage, str(error))

    def _start(self, stage: PlannedStage) -> None:
        """Prepare and start a stage under its lock."""
        lock = stage.folder.lock()
        lock.acquire()
        try:
            if stage.folder.result() is not None:
                self._finished(stage, 'was just done by another call')
                lock.release()
                return
            self._prepare(stage)
            if is_done(stage):
                self._finish(stage)
                lock.release()
                return
            self._launch(stage, lock)
        except BaseException:
            lock.release()
            raise

    def _prepare(self, stage: PlannedStage) -> None:
        """Check everything that may have changed since the plan."""
        free = shutil.disk_usage(self.root).free
        if free < _MIN_FREE:
            raise OSError(
                f'the disk of {self.root} is full ({free // 2**20} MiB free); '
                'free some space'
            )
        forget_data()
        again = identify_again(stage, self.settings)
        if again.key != stage.identity.key:
            raise ValueError(
                'its config, code or data changed while the recipe was '
                'running; call again to plan anew'
            )
        if stage.folder.finished:
            moved = stage.folder.set_aside()
            self.board.line(f'  {moved.name}: kept what was there')
        for source in stage.inputs.values():
            self._check_input(source)
        stage.folder.begin()

    def _check_input(self, source: PlannedStage) -> None:
        """Compare the hashes of what a stage takes, once per call."""
        path = source.folder.path
        if path in self._checked:
            return
        damage = source.folder.damage(full=True)
        if damage or source.folder.result() is None:
            raise ValueError(
                f'it takes from {path}, where {damage or "something failed"}; '
                f'restore the file, or delete {path} to make it again'
            )
        self._checked.add(path)

    def _launch(self, stage: PlannedStage, lock: StageLock) -> None:
        command = stage_command(stage, self.settings)
        with stage.folder.log.open('a', encoding='utf-8') as log:
            log.write(f'\n$ {command_text(command)}\n')
        total = iterations(stage) if stage.spec.kind == 'train' else None
        child = Child(
            command,
            stage.folder.log,
            stage_environment(stage, self.settings),
            lock.descriptors,
        )
        path = stage.folder.path
        self._running[path] = _Running(
            stage, child, lock, total, stage.folder.spent
        )
        self.board.start(path.name, total)

    def _look(self) -> None:
        """See which processes ended, and how far the others are."""
        time.sleep(_POLL_SECONDS if self._running else 0)
        for path, one in list(self._running.items()):
            ended = one.child.poll()
            if ended is None:
                self._note(one)
                continue
            del self._running[path]
            self.board.end(path.name)
            try:
                self._ended(one, ended)
            except (ValueError, OSError) as error:
                self._fail(one.stage, str(error))
            finally:
                one.lock.release()

    def _note(self, one: _Running) -> None:
        """Remember the time spent, and show the progress."""
        if one.child.seconds - one.noted < _NOTE_SECONDS:
            return
        one.noted = one.child.seconds
        seconds, peak = one.before
        one.stage.folder.note_spent(seconds + one.noted, peak)
        if one.total is not None:
            state = training_state(one.stage.folder.work_dir)
            self.board.move(one.stage.folder.path.name, *state)

    def _ended(self, one: _Running, ended: Ended) -> None:
        seconds, peak = one.before
        one.stage.folder.note_spent(
            seconds + one.child.seconds, max(peak, ended.peak_mib)
        )
        if ended.code != 0:
            log = one.stage.folder.log
            self._fail(one.stage, describe_failure(ended.code, log))
            return
        self._finish(one.stage)

    def _finish(self, stage: PlannedStage) -> None:
        outputs, files = collect_outputs(stage)
        seconds, peak = stage.folder.spent
        peak = gpu_mib(stage) or peak or None
        stage.folder.finish(outputs, files, seconds, peak)
        self._finished(stage, f'{seconds:.0f} s')

    def _finished(self, stage: PlannedStage, note: str) -> None:
        path = stage.folder.path
        self._done.add(path)
        self.board.line(f'  [green]✓[/] {path.name}: {note}')
        self._publish()

    def _fail(self, stage: PlannedStage, message: str) -> None:
        path = stage.folder.path
        name = f'stage {stage.spec.name!r} ({path.name})'
        self._failed[path] = f'{name}: {message}'
        self.board.line(f'  [red]✗[/] {path.name}: failed')

    def _publish(self) -> None:
        """Write the records of all tests that are finished, once each."""
        now = frozenset(self._done)
        for path, (plan, stage) in self._records.items():
            folder = stage.folder
            if path in self._published or folder.path in self._failed:
                continue
            if folder.result() is None:
                continue
            try:
                publish(path, plan, stage, now)
                self._published.add(path)
            except ValueError as error:
                self._fail(stage, str(error))

    def _stop(self) -> None:
        for one in self._running.values():
            one.child.stop()
            one.lock.release()

    def _report(self) -> str:
        causes = [text for text in self._failed.values() if text]
        skipped = len(self._failed) - len(causes)
        lines = [*causes]
        if skipped:
            lines.append(f'{skipped} stages that depend on them did not run.')
        lines.append(
            'Finished stages are kept. After mending the cause, the same '
            'command goes on from here.'
        )
        return '\n'.join(lines)


def run_recipes(
    plans: Sequence[Plan], settings: RunSettings, console: Console
) -> list[Path]:
    """Run what is missing; see :class:`RecipeRunner`."""
    return RecipeRunner(plans, settings, console).run()
