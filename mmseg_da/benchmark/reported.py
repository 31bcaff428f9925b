# SPDX-License-Identifier: Apache-2.0
"""Figures of papers. They are shown beside the measured ones, never mixed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mmseg_da.reporting import Column, ResultTable
from mmseg_da.utils.typed_json import parse

_TOLERANCE = 0.06


@dataclass(frozen=True)
class Reported:
    """A row of a paper's table.

    Attributes:
        name: Method, as in the paper.
        direction: E.g. ``'gta2cs'``.
        miou: Percent by ``'mIoU'``, ``'mIoU16'``, ``'mIoU13'``.
        iou: Percent per class; may be empty.
        source: Citation.
        comment: How it was evaluated where that matters; may be ''.
    """

    name: str
    direction: str
    miou: dict[str, float]
    iou: dict[str, float]
    source: str
    comment: str


def read_reported(path: str | Path) -> list[Reported]:
    """Read a YAML list of rows with the fields of :class:`Reported`.

    Raises:
        FileNotFoundError: No such file.
        ValueError: A field is missing, unknown or wrong, or the classes do
            not average to the mIoU; names file and row.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise FileNotFoundError(f'{path}: no such file') from None
    except yaml.YAMLError as error:
        raise ValueError(f'{path}: not YAML ({error})') from None
    if not isinstance(content, list):
        raise ValueError(f'{path}: expected a list of reported rows')
    return [_row(path, index, item) for index, item in enumerate(content)]


def _row(path: Path, index: int, item: Any) -> Reported:
    where = f'{path}, row {index + 1}'
    try:
        row = parse(Reported, item)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from None
    if row.iou and 'mIoU' in row.miou:
        mean = math.fsum(row.iou.values()) / len(row.iou)
        if abs(mean - row.miou['mIoU']) > _TOLERANCE:
            raise ValueError(
                f'{where} ({row.name}): the classes average to {mean:.2f}, '
                f'but mIoU is {row.miou["mIoU"]}; compare with the paper'
            )
    return row


def reported_table(rows: Sequence[Reported]) -> ResultTable:
    """Table of the reported rows of one direction.

    Args:
        rows: At least one row.
    """
    means: dict[str, None] = {}
    classes: dict[str, None] = {}
    for row in rows:
        means.update(dict.fromkeys(row.miou))
        classes.update(dict.fromkeys(row.iou))
    columns = [
        *(Column(key, key.replace('mIoU', 'mIoU ').strip()) for key in means),
        *(Column(f'IoU.{name}', name, 'class') for name in classes),
    ]
    lines = [
        {
            'name': f'{row.name} [{number}]',
            **row.miou,
            **{f'IoU.{name}': value for name, value in row.iou.items()},
        }
        for number, row in enumerate(rows, start=1)
    ]
    return ResultTable(columns, lines)


def sources(rows: Sequence[Reported]) -> list[str]:
    """Numbered citations of :func:`reported_table`."""
    return [
        f'[{number}] {row.source}.' + (f' {row.comment}' * bool(row.comment))
        for number, row in enumerate(rows, start=1)
    ]
