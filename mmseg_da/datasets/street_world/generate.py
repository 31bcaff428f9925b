# SPDX-License-Identifier: Apache-2.0
"""Make a StreetWorld folder: every frame of every format, in parallel."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from .formats import FORMATS, Renderer, Sample, StreetFormat
from .frame import LABELLED_TIME, Frame, StreetSettings
from .manifest import open_manifest, save_manifest
from .render import StreetRenderer
from .storage import folder_lock, is_complete, remove_leftovers, write_atomic
from .world import WorldSettings, one_of

__all__ = ['generate', 'make_sample', 'resolve_formats', 'street_settings']


class Task(NamedTuple):
    """One labelled frame of one format, with the files that are missing."""

    folder: Path
    format_name: str
    sample: Sample
    settings: WorldSettings
    missing: frozenset[str]


Runner = Callable[[Sequence[Task]], Iterator[int]]


def resolve_formats(names: Iterable[str]) -> list[str]:
    """Format names with those that they need, each once, needs first.

    Args:
        names: Names out of FORMATS.

    Raises:
        ValueError: A name is unknown or none is given.
    """
    resolved: list[str] = []
    for name in names:
        one_of('format', name, FORMATS)
        for entry in (*FORMATS[name].requires, name):
            if entry not in resolved:
                resolved.append(entry)
    if not resolved:
        raise ValueError(f'no format given; choose out of {list(FORMATS)}')
    return resolved


def street_settings(
    street_format: StreetFormat, settings: WorldSettings
) -> StreetSettings:
    """What the renderer of a format draws."""
    return StreetSettings(
        preset=street_format.preset(settings),
        size=settings.size,
        seed=settings.seed,
        gap=1.0 if street_format.target else settings.gap,
    )


@lru_cache(maxsize=4)
def _renderer(settings: StreetSettings) -> Renderer:
    return StreetRenderer(settings)


def make_sample(task: Task) -> int:
    """Draw a sample and write its missing files.

    Args:
        task: The sample.

    Returns:
        Number of files written.
    """
    street_format, sample = FORMATS[task.format_name], task.sample
    renderer = _renderer(street_settings(street_format, task.settings))
    files = street_format.files(sample, task.settings)
    truth = any(path.startswith('ground_truth/') for path in task.missing)
    drawn: dict[int, Frame] = {}
    # By time, so that only one frame is held in memory.
    for path in sorted(task.missing, key=lambda path: files[path].time):
        job = files[path]
        if job.time not in drawn:
            flow = truth and job.time == LABELLED_TIME
            frame = renderer.render(sample.index, job.time, with_flow=flow)
            drawn = {job.time: street_format.view(sample, frame)}
        write_atomic(task.folder / path, job.encode(drawn[job.time]))
    return len(task.missing)


def _present(folder: Path) -> set[str]:
    """Paths of all files below a folder."""
    return {
        os.path.relpath(os.path.join(at, name), folder)
        for at, _, names in os.walk(folder)
        for name in names
    }


def _tasks(
    folder: Path, name: str, settings: WorldSettings, finished: bool
) -> Iterator[Task]:
    """Samples with missing files.

    Args:
        folder: Folder of the format.
        name: Format name.
        settings: Settings of the world.
        finished: Whether the format was finished before; if not, files are
            looked into, as a full disk may have cut one.
    """
    present = _present(folder)
    for sample in FORMATS[name].samples(settings):
        missing = frozenset(
            path
            for path in FORMATS[name].files(sample, settings)
            if path not in present
            or not (finished or is_complete(folder / path))
        )
        if missing:
            yield Task(folder, name, sample, settings, missing)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _start_worker() -> None:
    # Ctrl-C is for the parent, which lets running frames end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    """Leave no idle workers behind when the parent is killed."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _start_method() -> multiprocessing.context.BaseContext:
    """Workers forked from a clean server, which imports this package once;
    fresh interpreters where there is no such server.
    """
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([__name__])
    return context


@contextlib.contextmanager
def _runner(workers: int) -> Iterator[Runner]:
    """What makes samples, in this process or in a pool, in any order."""
    if workers == 1:
        with _one_thread():
            yield lambda tasks: map(make_sample, tasks)
        return
    pool = ProcessPoolExecutor(
        workers, mp_context=_start_method(), initializer=_start_worker
    )
    try:
        yield lambda tasks: _in_pool(pool, tasks)
    except BrokenProcessPool as error:
        raise OSError(
            f'a worker process died ({error}), perhaps for want of memory; '
            'the same call continues, try fewer workers'
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _in_pool(
    pool: ProcessPoolExecutor, tasks: Iterable[Task]
) -> Iterator[int]:
    for future in as_completed([pool.submit(make_sample, t) for t in tasks]):
        yield future.result()


def _progress(shown: bool) -> Progress:
    return Progress(
        TextColumn('{task.description:<20}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        disable=not shown,
    )


def _make_format(
    root: Path,
    name: str,
    settings: WorldSettings,
    manifest: dict[str, Any],
    run: Runner,
    progress: Progress,
) -> bool:
    """Make one format; False if nothing was missing."""
    street_format = FORMATS[name]
    folder = root / street_format.folder
    finished = manifest['formats'].get(name, {}).get('finished', False)
    tasks = list(_tasks(folder, name, settings, finished))
    if finished and not tasks:
        return False
    counts = settings.counts(street_format.splits)
    entry = {'folder': street_format.folder, 'counts': counts}
    manifest['formats'][name] = {**entry, 'finished': False}
    save_manifest(root, manifest)
    bar = progress.add_task(name, total=len(tasks))
    for _ in run(tasks):
        progress.advance(bar)
    for path, data in street_format.folder_files(settings).items():
        write_atomic(folder / path, data)
    manifest['formats'][name] = {**entry, 'finished': True}
    save_manifest(root, manifest)
    return True


def generate(
    out: str | Path,
    formats: Sequence[str] = ('gta', 'cityscapes'),
    settings: WorldSettings | None = None,
    workers: int = 1,
    progress: bool = False,
) -> list[str]:
    """Make or continue a StreetWorld folder.

    The files depend on the settings alone, not on the number of workers or
    on how often the run was interrupted. Several processes may call this for
    the same folder: one works, the others wait.

    Args:
        out: Folder; made if it does not exist.
        formats: Names out of FORMATS.
        settings: What to make; the defaults of WorldSettings if None.
        workers: Processes that draw; 1 draws in this one.
        progress: Whether a progress bar is shown.

    Returns:
        Formats that were made or completed; empty if all was there.

    Raises:
        ValueError: A format is unknown, or the folder holds something else.
        OSError: The folder cannot be written.
    """
    settings = settings or WorldSettings()
    if workers < 1:
        raise ValueError(f'workers={workers!r}: give at least 1')
    names = resolve_formats(formats)
    root = Path(out)
    root.mkdir(parents=True, exist_ok=True)
    with (
        folder_lock(root),
        _progress(progress) as bars,
        _runner(workers) as run,
    ):
        manifest = open_manifest(root, settings)
        remove_leftovers(root)
        return [
            name
            for name in names
            if _make_format(root, name, settings, manifest, run, bars)
        ]
