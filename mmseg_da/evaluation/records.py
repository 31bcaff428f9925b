# SPDX-License-Identifier: Apache-2.0
"""Result records: one JSON file per test, all that a table needs.

Tables, reports and comparisons are made from these files alone, so they come
out the same on another machine. docs/records.md describes every field.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmseg_da.utils.files import write_json
from mmseg_da.utils.typed_json import parse, to_json

from .confusion import class_iou
from .confusion_text import encode_confusion
from .record_schema import (
    FORMAT,
    PREDICTORS,
    SCHEMA_VERSION,
    SELECTIONS,
    CheckpointInfo,
    CodeInfo,
    ConfigInfo,
    Cost,
    Protocol,
    Record,
    Scores,
    StageCost,
    split_name,
)

__all__ = [
    'FORMAT',
    'SCHEMA_VERSION',
    'CheckpointInfo',
    'CodeInfo',
    'ConfigInfo',
    'Cost',
    'Protocol',
    'Record',
    'Scores',
    'StageCost',
    'make_scores',
    'read_record',
    'read_records',
    'split_name',
    'write_record',
]

_HASH = re.compile(r'[0-9a-f]{64}')
_TOLERANCE = 1e-6


def write_record(path: str | Path, record: Record) -> None:
    """Check a record and write it atomically.

    Raises:
        ValueError: A value is not allowed, e.g. an absolute path.
        OSError: The file cannot be written.
    """
    _check(record)
    head = {'format': FORMAT, 'schema_version': SCHEMA_VERSION}
    write_json(path, {**head, **to_json(record)})


def read_record(path: str | Path, need_scores: bool = True) -> Record:
    """Read a record and check every field.

    Args:
        path: JSON file.
        need_scores: Refuse the record of a test that scored nothing.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No record, another schema version, a field that is
            missing, unknown or wrong, or scores that do not follow from the
            confusion matrix; names file, field and value.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise FileNotFoundError(f'{path}: no such record') from None
    except ValueError as error:
        raise ValueError(
            f'{path}: not JSON ({error}); delete it and test again'
        ) from None
    if not isinstance(content, dict) or content.pop('format', '') != FORMAT:
        raise ValueError(
            f'{path}: not a result record of mmseg-da (format {FORMAT!r})'
        )
    version = content.pop('schema_version', None)
    if version != SCHEMA_VERSION:
        raise ValueError(
            f'{path}: record of schema version {version}, this mmseg-da reads '
            f'version {SCHEMA_VERSION}; test again, or read it with the '
            'mmseg-da that wrote it'
        )
    try:
        record = parse(Record, content)
        _check(record)
        if need_scores and record.scores is None:
            raise ValueError(
                "field 'scores' is None: the test scored nothing "
                '(--format-only, or no SubsetIoUMetric)'
            )
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None
    return record


def read_records(folder: str | Path) -> dict[Path, Record]:
    """Read every ``*.json`` of a folder (not of its subfolders), by name.

    Raises:
        FileNotFoundError: No such folder.
        ValueError: A file is not a valid record.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f'{folder}: no such folder of records; tools/run_method.py and '
            'tools/test.py --record write them'
        )
    files = sorted(p for p in folder.glob('*.json') if p.name[0] != '.')
    return {path: read_record(path) for path in files}


def make_scores(
    metrics: dict[str, float], confusion: np.ndarray, classes: tuple[str, ...]
) -> Scores:
    """Put together what :class:`SubsetIoUMetric` returned.

    Args:
        metrics: Its results in percent, and those of other metrics.
        confusion: int64 (C, C), rows are labels.
        classes: C names.
    """
    iou = _class_ious(confusion)
    return Scores(
        miou={k: _finite(v) for k, v in metrics.items() if _is_mean(k)},
        iou=dict(zip(classes, iou, strict=True)),
        metrics={k: _finite(v) for k, v in metrics.items()},
        confusion=encode_confusion(confusion),
    )


def _check(record: Record) -> None:
    """Check what the types do not say."""
    for name, value, allowed in (
        ('selection', record.selection, SELECTIONS),
        ('predict_on', record.predict_on, PREDICTORS),
    ):
        if value not in allowed:
            raise ValueError(
                f'field {name!r} is {value!r}, expected one of {allowed}'
            )
    for name, value in _texts(to_json(record)):
        is_hash = name.endswith('sha256') or name.startswith('data.')
        if is_hash and not _HASH.fullmatch(value):
            raise ValueError(
                f'field {name!r} is {value!r}, expected 64 hex digits'
            )
        if os.path.isabs(value) or re.match(r'[A-Za-z]:[\\/]', value):
            raise ValueError(
                f'field {name!r} is {value!r}, expected no absolute path'
            )
    if record.scores is not None:
        _check_scores(record, record.scores)


def _check_scores(record: Record, scores: Scores) -> None:
    if set(scores.iou) != set(record.classes):
        raise ValueError(
            f"field 'scores.iou' has {sorted(scores.iou)}, expected the "
            f'classes {sorted(record.classes)}'
        )
    if 'mIoU' not in scores.miou:
        raise ValueError("field 'scores.miou.mIoU' is missing")
    expected = _class_ious(record.confusion)
    for name, value in zip(record.classes, expected, strict=True):
        _check_same(f'scores.iou.{name}', scores.iou[name], value)
    occurring = [value for value in expected if value is not None]
    mean = sum(occurring) / len(occurring) if occurring else None
    _check_same('scores.miou.mIoU', scores.miou['mIoU'], mean)


def _check_same(
    name: str, found: float | None, expected: float | None
) -> None:
    """Compare a score with what follows from the confusion matrix."""
    if None in (found, expected):
        same = found is expected
    else:
        same = abs(found - expected) < _TOLERANCE
    if not same:
        raise ValueError(
            f'field {name!r} is {found}, but the confusion matrix gives '
            f'{expected}; the file was edited: test again'
        )


def _class_ious(confusion: np.ndarray) -> list[float | None]:
    values = 100 * class_iou(torch.from_numpy(confusion))
    return [_finite(value) for value in values.tolist()]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _is_mean(name: str) -> bool:
    return re.fullmatch(r'mIoU\w*', name) is not None


def _texts(value: Any, name: str = '') -> Iterator[tuple[str, str]]:
    """Every string of a record with its dotted name."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f'{name}.{key}' if name else key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
    elif isinstance(value, str) and name != 'scores.confusion':
        yield name, value
