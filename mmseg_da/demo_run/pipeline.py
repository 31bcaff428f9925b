# SPDX-License-Identifier: Apache-2.0
"""Running the steps of a demo: data, trainings, tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console

from mmseg_da.reporting import read_scalars

from .jobs import Job, JobResult, run_jobs
from .plan import REPO, Method, Plan
from .report import MethodResult
from .steps import Step

_DATA = 'StreetWorld'


class Demo:
    """Run the steps; each is skipped when it is finished and unchanged.

    Args:
        plan: What to do.
        console: Where progress is shown.
        keep_open: File descriptors that children inherit (the lock).
    """

    def __init__(
        self, plan: Plan, console: Console, keep_open: Sequence[int] = ()
    ) -> None:
        self.plan = plan
        self.console = console
        self.keep_open = keep_open

    def make_data(self) -> None:
        """Draw the images, unless they are there."""
        plan = self.plan
        if plan.data.result() is not None:
            self._skip(_DATA)
            return

        def finished(job: Job, result: JobResult) -> None:
            manifest = plan.data_root / 'manifest.json'
            plan.data.finish({'seconds': result.seconds}, [manifest])
            self._done(job.name, f'{result.seconds:.0f} s')

        def progress(seconds: float) -> tuple[float, str]:
            images = plan.data_root.glob('gta/images/*.png')
            frames = plan.data_root.glob('cityscapes/leftImg8bit/*/*/*.png')
            return len(list(images)) + len(list(frames)), 'images'

        job = Job(
            name=_DATA,
            command=[sys.executable, *plan.data_command()],
            log=plan.data.folder / 'make.log',
            env=plan.environment(),
            cwd=REPO,
            total=2 * plan.settings.train + plan.settings.val,
            progress=progress,
        )
        self._run([job], finished)

    def train(self) -> None:
        """Train every method that is not trained yet, side by side."""
        for methods in self.plan.rounds():
            self._train(methods)

    def _train(self, methods: Sequence[Method]) -> None:
        todo = self._unfinished(methods, self.plan.train_step)

        def finished(job: Job, result: JobResult) -> None:
            step = self.plan.train_step(todo[job.name])
            curve = read_scalars(step.folder / 'work')
            seconds = before[job.name] + result.seconds
            gpu = max((r.get('memory', 0) for r in curve), default=0)
            content = {
                'seconds': seconds,
                'peak_mib': gpu or result.peak_rss_mib,
                'curve': curve,
            }
            step.finish(content, [self.plan.checkpoint(todo[job.name])])
            self._done(job.name, f'{seconds:.0f} s')

        steps = {name: self.plan.train_step(m) for name, m in todo.items()}
        before = {name: step.spent() for name, step in steps.items()}
        self._run([self._train_job(m) for m in todo.values()], finished)

    def test(self) -> None:
        """Test every method that is not tested yet, side by side."""
        todo = self._unfinished(self.plan.methods, self.plan.test_step)

        def finished(job: Job, result: JobResult) -> None:
            step = self.plan.test_step(todo[job.name])
            file = step.folder / 'test.json'
            content = json.loads(file.read_text(encoding='utf-8'))
            step.finish(content, [file])
            score = content['scores']['miou']['mIoU']
            self._done(job.name, f'mIoU {score:.1f}')

        self._run([self._test_job(m) for m in todo.values()], finished)

    def results(self) -> list[MethodResult]:
        """Collect the finished steps, one result per row."""
        return [self._result(method) for method in self.plan.methods]

    def _unfinished(
        self, methods: Sequence[Method], step_of: Callable[[Method], Step]
    ) -> dict[str, Method]:
        todo = {}
        for method in methods:
            if step_of(method).result() is None:
                todo[method.name] = method
            else:
                self._skip(method.name)
        return todo

    def _run(
        self,
        jobs: Sequence[Job],
        finished: Callable[[Job, JobResult], None],
    ) -> None:
        workers = self.plan.settings.workers
        run_jobs(jobs, workers, self.console, finished, self.keep_open)

    def _train_job(self, method: Method) -> Job:
        step = self.plan.train_step(method)
        before = step.spent()

        def progress(seconds: float) -> tuple[float, str]:
            step.note_spent(before + seconds)
            return training_progress(read_scalars(step.folder / 'work'))

        return Job(
            name=method.name,
            command=[sys.executable, *self.plan.train_command(method)],
            log=step.folder / 'train.log',
            env=self.plan.environment(self.plan.threads(method)),
            cwd=REPO,
            total=self.plan.iterations(method),
            progress=progress,
        )

    def _test_job(self, method: Method) -> Job:
        return Job(
            name=method.name,
            command=[sys.executable, *self.plan.test_command(method)],
            log=self.plan.test_step(method).folder / 'test.log',
            env=self.plan.environment(),
            cwd=REPO,
        )

    def _result(self, method: Method) -> MethodResult:
        """Put training and test of a row together.

        A row that tests the weights of another one adapts before its first
        test image: that time is added to the training time. So is the
        training that a row starts from.
        """
        trainer = self.plan.trainer(method)
        training = self.plan.train_step(trainer).result()
        test = self.plan.test_step(method).result()
        cost = test['cost']
        adaptation = 0.0
        if trainer is not method:
            adaptation = cost['preparation_seconds']
        start = self.plan.start(trainer)
        if start is not None:
            before = self.plan.train_step(start).result()
            adaptation += before['seconds']
        memory = cost['peak_cuda_mib'] or cost['peak_rss_mib']
        return MethodResult(
            name=method.name,
            config=method.config_file,
            metrics=test['scores']['metrics'],
            train_seconds=training['seconds'] + adaptation,
            test_rate=cost['images_per_second'],
            peak_mib=max(training['peak_mib'], memory),
            predictions=self.plan.test_step(method).folder
            / 'submission/label_ids',
            curve=training['curve'] if trainer is method else (),
        )

    def _skip(self, name: str) -> None:
        self.console.print(f'  [dim]= {name}: done before, unchanged[/]')

    def _done(self, name: str, result: str) -> None:
        self.console.print(f'  [green]✓[/] {name}: {result}')


def training_progress(
    records: Sequence[Mapping[str, float]],
) -> tuple[float, str]:
    """Iterations done and a line of text from a training's records."""
    iters = [record for record in records if 'iter' in record]
    scores = [record['mIoU'] for record in records if 'mIoU' in record]
    if not iters:
        return 0, 'starting'
    text = f'loss {iters[-1]["loss"]:.2f}'
    if scores:
        text += f', val mIoU {scores[-1]:.1f}'
    return iters[-1]['iter'], text
