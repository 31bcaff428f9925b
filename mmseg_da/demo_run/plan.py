# SPDX-License-Identifier: Apache-2.0
"""What a demo run does: its rows, its steps, and the command of each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mmengine.config import Config

from .steps import Step, hash_files

REPO = Path(__file__).resolve().parents[2]
_VALIDATIONS = 4
_LOG_INTERVAL = 10


@dataclass(frozen=True)
class Method:
    """A row of the demo's table.

    Args:
        name: Row name.
        config: Config name in ``configs/methods``.
        weights_from: Row whose trained weights this one tests with its own
            config (adaptation at test time). None trains its own.
        start_from: Row whose trained weights its own training starts from.
    """

    name: str
    config: str
    weights_from: str | None = None
    start_from: str | None = None

    @property
    def config_file(self) -> str:
        """Config path relative to the repository."""
        return f'configs/methods/{self.config}.py'


@dataclass(frozen=True)
class DemoSettings:
    """What a demo run does; see ``tools/demo.py --help``."""

    out: Path
    seed: int
    size: str
    train: int
    val: int
    iters: int | None
    workers: int
    threads: int


class Plan:
    """Folders and commands of all steps; runs nothing.

    Args:
        settings: Settings.
        methods: Rows; the first is the floor, the last the ceiling.
    """

    def __init__(
        self, settings: DemoSettings, methods: Sequence[Method]
    ) -> None:
        self.settings = settings
        self.methods = methods
        self.steps = settings.out / 'steps'
        self.code = hash_files(REPO, _code_files())
        world = {
            'size': settings.size,
            'train': settings.train,
            'val': settings.val,
            'seed': settings.seed,
            'code': hash_files(REPO, _street_world_files()),
        }
        self.data = Step(self.steps, 'street_world', world)
        self.data_root = self.data.folder / 'data'

    def data_command(self) -> list[str]:
        """Command that makes the images."""
        s = self.settings
        return [
            'tools/make_street_world.py',
            f'--out={self.data_root}',
            f'--size={s.size}',
            f'--train={s.train}',
            f'--val={s.val}',
            f'--seed={s.seed}',
            '--test=0',
            '--truth-share=0',
            '--formats=gta,cityscapes',
            f'--workers={s.workers}',
        ]

    def iterations(self, method: Method) -> int:
        """Training iterations of a method.

        With ``--iters`` a row that starts from another one trains the same
        share of its start's iterations as without.
        """
        own = _read_config(method.config_file).train_cfg.max_iters
        if self.settings.iters is None:
            return own
        start = self.start(method)
        if start is None:
            return self.settings.iters
        before = _read_config(start.config_file).train_cfg.max_iters
        return max(1, round(self.iterations(start) * own / before))

    def train_command(self, method: Method) -> list[str]:
        """Command that trains a method, or goes on with its training."""
        step, iters = self.train_step(method), self.iterations(method)
        part = max(1, iters // _VALIDATIONS)
        return [
            'tools/train.py',
            method.config_file,
            f'--work-dir={step.folder / "work"}',
            f'--seed={self.settings.seed}',
            '--resume',
            '--cfg-options',
            f'train_cfg.max_iters={iters}',
            f'train_cfg.val_interval={part}',
            f'default_hooks.checkpoint.interval={part}',
            f'default_hooks.logger.interval={_LOG_INTERVAL}',
            *self._schedule_options(method, iters),
            *self._start_options(method),
        ]

    def _start_options(self, method: Method) -> list[str]:
        start = self.start(method)
        return [] if start is None else [f'load_from={self.checkpoint(start)}']

    def _schedule_options(self, method: Method, iters: int) -> list[str]:
        """Shrink or stretch the schedule when --iters is given."""
        if self.settings.iters is None:
            return []
        cfg = _read_config(method.config_file)
        factor = iters / cfg.train_cfg.max_iters
        return [
            f'param_scheduler.{index}.{key}='
            f'{max(1, round((scheduler[key] - 1) * factor) + 1)}'
            for index, scheduler in enumerate(cfg.param_scheduler)
            for key in ('begin', 'end')
            if scheduler.get(key)
        ]

    def test_command(self, method: Method) -> list[str]:
        """Command that tests a method and writes a submission."""
        folder = self.test_step(method).folder
        return [
            'tools/test.py',
            method.config_file,
            str(self.checkpoint(method)),
            f'--work-dir={folder / "work"}',
            f'--json={folder / "test.json"}',
            f'--out={folder / "submission"}',
        ]

    def environment(self, threads: int | None = None) -> dict[str, str]:
        """Variables of the children: data, threads, this repository.

        Args:
            threads: Of the child; by default those of the settings.
        """
        threads = str(threads or self.settings.threads)
        path = os.environ.get('PYTHONPATH')
        return {
            'STREET_WORLD_ROOT': str(self.data_root),
            'OMP_NUM_THREADS': threads,
            'MKL_NUM_THREADS': threads,
            'OPENBLAS_NUM_THREADS': threads,
            'PYTHONUNBUFFERED': '1',
            'PYTHONPATH': os.pathsep.join([str(REPO), *([path] * bool(path))]),
        }

    def trained(self) -> list[Method]:
        """Methods that train a network of their own."""
        return [m for m in self.methods if m.weights_from is None]

    def rounds(self) -> list[list[Method]]:
        """Trainings that can run side by side, one list after the other.

        Rows that start from the weights of another one come after the rest.
        """
        first = [m for m in self.trained() if m.start_from is None]
        second = [m for m in self.trained() if m.start_from is not None]
        return [methods for methods in (first, second) if methods]

    def threads(self, method: Method) -> int:
        """Threads of a training: a round shares those of all workers.

        They depend on the rows alone and not on what is finished already,
        since sums over another number of threads round differently.
        """
        beside = next(len(r) for r in self.rounds() if method in r)
        return self.settings.threads * max(1, self.settings.workers // beside)

    def trainer(self, method: Method) -> Method:
        """The method whose training gives this method's weights."""
        return self._row(method.weights_from or method.name)

    def start(self, method: Method) -> Method | None:
        """The method whose weights this one's training starts from."""
        return method.start_from and self._row(method.start_from)

    def _row(self, name: str) -> Method:
        return next(m for m in self.methods if m.name == name)

    def train_step(self, method: Method) -> Step:
        """Folder and record of a training."""
        settings = {
            'config': method.config,
            'iters': self.iterations(method),
            'seed': self.settings.seed,
            'threads': self.threads(method),
            'data': self.data.key,
            'code': self.code,
        }
        start = self.start(method)
        if start is not None:
            settings['start'] = self.train_step(start).key
        return Step(self.steps, f'train-{method.config}', settings)

    def test_step(self, method: Method) -> Step:
        """Folder and record of a test."""
        settings = {
            'config': method.config,
            'weights': self.train_step(self.trainer(method)).key,
        }
        return Step(self.steps, f'test-{method.config}', settings)

    def checkpoint(self, method: Method) -> Path:
        """Final weights that a method is tested with."""
        trainer = self.trainer(method)
        name = f'iter_{self.iterations(trainer)}.pth'
        return self.train_step(trainer).folder / 'work' / name


@lru_cache
def _read_config(path: str) -> Config:
    return Config.fromfile(REPO / path)


def _street_world_files() -> Iterator[Path]:
    """Code that decides what the images look like."""
    yield REPO / 'tools/make_street_world.py'
    yield from (REPO / 'mmseg_da/datasets/street_world').rglob('*.py')


def _code_files() -> Iterator[Path]:
    """Code that decides the scores; what only shows them is left out."""
    yield from (REPO / f'tools/{name}.py' for name in ('train', 'test'))
    yield from (REPO / 'configs').rglob('*.py')
    shows = ('demo_run', 'reporting', 'diagnostics')
    for path in (REPO / 'mmseg_da').rglob('*.py'):
        if path.relative_to(REPO / 'mmseg_da').parts[0] not in shows:
            yield path
