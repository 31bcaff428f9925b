# SPDX-License-Identifier: Apache-2.0
"""Only rows that were evaluated alike are ranked."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mmseg_da.evaluation.records import Record

from .rows import FLOOR, Row

ALLOW = '--allow-mixed-protocols'


def conditions(record: Record) -> dict[str, Any]:
    """What has to be equal before two scores may be compared.

    All fields of the record's protocol, and ``selection``: a best
    checkpoint was chosen by target labels, a last one was not.
    """
    protocol = record.protocol
    fields = {
        field.name: getattr(protocol, field.name)
        for field in dataclasses.fields(protocol)
    }
    return {**fields, 'selection': record.selection}


def mixed_rows(
    direction: str, rows: Sequence[Row], allow: bool
) -> dict[str, str]:
    """Find the rows that cannot be ranked with the others.

    The measure is what most rows have in common; of two equal groups the one
    with source-only.

    Args:
        direction: For the message.
        rows: Rows of one direction.
        allow: Name them instead of raising.

    Returns:
        What differs, by row name; empty if all are alike.

    Raises:
        ValueError: Rows, or the seeds of a row, differ and ``allow`` is
            false; names fields, values and rows.
    """
    usual = _usual(rows)
    found = {}
    for row in rows:
        texts = _differences(row, usual)
        if texts:
            found[row.name] = '; '.join(texts)
    if found and not allow:
        lines = [f'  {name}: {text}' for name, text in found.items()]
        raise ValueError(
            f'{direction}: not all rows were evaluated alike, so they are '
            'not ranked. Different from the other rows:\n'
            + '\n'.join(lines)
            + f'\nTest them alike, or give {ALLOW}: the table then marks '
            'them.'
        )
    return found


def _usual(rows: Sequence[Row]) -> dict[str, Any]:
    """Conditions of most rows."""
    groups = Counter(_key(conditions(row.first)) for row in rows)
    most = max(groups.values())
    favourites = sorted(rows, key=lambda row: row.method != FLOOR)
    return next(
        conditions(row.first)
        for row in favourites
        if groups[_key(conditions(row.first))] == most
    )


def _key(values: dict[str, Any]) -> tuple:
    return tuple(values.items())


def _differences(row: Row, usual: dict[str, Any]) -> list[str]:
    """What differs between a row and the usual, or between its seeds."""
    records = list(row.records.values())
    texts = []
    for name, wanted in usual.items():
        values = [conditions(record)[name] for record in records]
        if any(value != wanted for value in values):
            texts.append(
                f'{name} is {_shown(values)} instead of {_shown([wanted])}'
            )
    data = [record.data for record in records]
    if any(one != data[0] for one in data):
        texts.append('its seeds were made from different data')
    return texts


def _shown(values: Iterable[Any]) -> str:
    texts = []
    for value in values:
        text = str(list(value) if isinstance(value, tuple) else value)
        # Digests: the start tells them apart.
        text = text if len(text) <= 40 else text[:12]
        if text not in texts:
            texts.append(text)
    return ' / '.join(texts)
