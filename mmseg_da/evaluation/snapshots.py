# SPDX-License-Identifier: Apache-2.0
"""Scores of every snapshot of a training, the best and the last of them.

The published rows of ADVENT, IntraDA and others are the best of all
snapshots on the labelled validation images of the target. That uses target
labels, so a table needs the last snapshot beside it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_da.utils.files import write_json
from mmseg_da.utils.typed_json import parse, to_json

from .record_schema import Record

__all__ = [
    'SnapshotScores',
    'SnapshotTable',
    'best_iteration',
    'evaluate_snapshots',
    'expected_iterations',
    'find_snapshots',
]

CACHE_NAME = 'snapshots.json'
_FORMAT = 'mmseg_da.snapshots'
_VERSION = 1
_NAME = re.compile(r'iter_(\d+)\.pth')

# Tests one checkpoint: metrics, and the record where there are scores.
Tester = Callable[[Path], tuple[dict[str, float], Record | None]]


@dataclass(frozen=True)
class SnapshotScores:
    """Scores of one snapshot.

    Attributes:
        iteration: Training iterations it has seen.
        path: Its file.
        metrics: What the evaluators returned.
        record: Its result record, if the config makes one.
        cached: Whether the scores are of an earlier call.
    """

    iteration: int
    path: Path
    metrics: dict[str, float | None]
    record: Record | None
    cached: bool


@dataclass(frozen=True)
class SnapshotTable:
    """Scores of all snapshots.

    Attributes:
        metric: Metric that chose the best one.
        rows: Scores, by iteration.
        missing: Iterations the config should have saved and that are not
            there; skipped.
    """

    metric: str
    rows: tuple[SnapshotScores, ...]
    missing: tuple[int, ...]

    @property
    def best(self) -> SnapshotScores:
        """The best snapshot, chosen by labels of the target."""
        values = {row.iteration: row.metrics[self.metric] for row in self.rows}
        chosen = best_iteration(values)
        return next(row for row in self.rows if row.iteration == chosen)

    @property
    def last(self) -> SnapshotScores:
        """The snapshot of the highest iteration."""
        return self.rows[-1]

    def records(self) -> dict[str, Record]:
        """Records of ``'best'`` and ``'last'``, marked as such."""
        rows = {'best': self.best, 'last': self.last}
        return {
            name: row.record.replace(selection=name)
            for name, row in rows.items()
            if row.record is not None
        }


def find_snapshots(work_dir: str | Path) -> dict[int, Path]:
    """Files ``iter_<n>.pth`` of a work directory, by iteration.

    Raises:
        FileNotFoundError: No such folder, or no snapshot in it.
    """
    work_dir = Path(work_dir)
    if not work_dir.is_dir():
        raise FileNotFoundError(f'work directory {str(work_dir)!r}: no folder')
    found = {
        int(match[1]): path
        for path in work_dir.iterdir()
        if (match := _NAME.fullmatch(path.name))
    }
    if not found:
        raise FileNotFoundError(
            f'{work_dir}: no snapshot iter_<n>.pth. Give the work directory '
            'of tools/train.py; default_hooks.checkpoint.interval says when '
            'it saves, max_keep_ckpts=-1 keeps all.'
        )
    return dict(sorted(found.items()))


def expected_iterations(cfg: Config) -> list[int]:
    """Iterations after which a config saves; [] if it does not tell."""
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    interval = hook.get('interval', -1)
    max_iters = (cfg.get('train_cfg') or {}).get('max_iters') or 0
    if interval < 1 or hook.get('by_epoch', True):
        return []
    saved = set(range(interval, max_iters + 1, interval))
    if max_iters and hook.get('save_last', True):
        saved.add(max_iters)
    return sorted(saved)


def best_iteration(scores: Mapping[int, float | None]) -> int:
    """Iteration with the highest score.

    Scores are compared after rounding to two decimals, and the earliest of
    equal ones wins, as in ADVENT's "best" mode.

    Args:
        scores: Percent by iteration; None and NaN are passed over.

    Raises:
        ValueError: No score is a number.
    """
    best, chosen = -math.inf, None
    for iteration, value in sorted(scores.items()):
        if value is None or math.isnan(value):
            continue
        if round(value, 2) > best:
            best, chosen = round(value, 2), iteration
    if chosen is None:
        raise ValueError(f'no snapshot has a score among {len(scores)}')
    return chosen


def evaluate_snapshots(
    work_dir: str | Path,
    test: Tester,
    fingerprint: str,
    metric: str = 'mIoU',
    expected: list[int] | None = None,
    report: Callable[[SnapshotScores], None] = lambda row: None,
) -> SnapshotTable:
    """Test every snapshot that was not tested before.

    Scores are kept in ``<work_dir>/snapshots.json``, written after each
    snapshot, and used again as long as the fingerprint and the size and time
    of the file are the same.

    Args:
        work_dir: Folder with ``iter_<n>.pth``.
        test: Tests a file.
        fingerprint: What the scores depend on beside the file, e.g. the hash
            of the config.
        metric: Metric that chooses the best one.
        expected: Iterations that should be there.
        report: Is called with every row as soon as it is known.

    Raises:
        FileNotFoundError: There is no snapshot.
        ValueError: The evaluators do not return the metric.
    """
    found = find_snapshots(work_dir)
    cache = Path(work_dir) / CACHE_NAME
    entries = _read_cache(cache, fingerprint)
    rows = []
    for iteration, path in found.items():
        row = _cached_row(iteration, path, entries.get(path.name))
        if row is None:
            stamp = _stamp(path)
            metrics, record = test(path)
            row = SnapshotScores(iteration, path, metrics, record, False)
            entries[path.name] = {
                **stamp,
                'metrics': metrics,
                'record': None if record is None else to_json(record),
            }
            _write_cache(cache, fingerprint, entries)
        _require_metric(row, metric)
        report(row)
        rows.append(row)
    missing = tuple(i for i in expected or () if i not in found)
    return SnapshotTable(metric, tuple(rows), missing)


def _require_metric(row: SnapshotScores, metric: str) -> None:
    if metric not in row.metrics:
        raise ValueError(
            f"--metric {metric!r} is not among the results of the config's "
            f'test_evaluator: {sorted(row.metrics)}'
        )


def _stamp(path: Path) -> dict[str, int]:
    status = path.stat()
    return {'size': status.st_size, 'mtime_ns': status.st_mtime_ns}


def _cached_row(
    iteration: int, path: Path, entry: dict[str, Any] | None
) -> SnapshotScores | None:
    """Scores of an earlier call if the file is still the same."""
    if entry is None:
        return None
    stamp = _stamp(path)
    if {key: entry.get(key) for key in stamp} != stamp:
        return None
    content = entry['record']
    record = None if content is None else parse(Record, content)
    return SnapshotScores(iteration, path, entry['metrics'], record, True)


def _read_cache(path: Path, fingerprint: str) -> dict[str, Any]:
    """Entries by file name; {} where the cache is of something else."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, ValueError):
        return {}
    head = {'format': _FORMAT, 'version': _VERSION, 'fingerprint': fingerprint}
    if not isinstance(content, dict) or any(
        content.get(key) != value for key, value in head.items()
    ):
        return {}
    return dict(content['snapshots'])


def _write_cache(path: Path, fingerprint: str, entries: dict) -> None:
    content = {
        'format': _FORMAT,
        'version': _VERSION,
        'fingerprint': fingerprint,
        'snapshots': entries,
    }
    write_json(path, content)
