# SPDX-License-Identifier: Apache-2.0
"""From a folder of records to the rows of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmseg_da.evaluation.records import Record, read_records

FLOOR = 'source-only'
CEILING = 'oracle'


@dataclass(frozen=True)
class Row:
    """A method in one direction: its records, one per seed.

    Attributes:
        name: Shown name, unique in its table: method, variant, and what else
            tells it from other rows of the recipe.
        records: By seed, ascending; the seed is None where a checkpoint does
            not tell it.
        repeats: Further runs of a seed (``--repeat-seed``), for the noise
            report; they are no part of the means.
    """

    name: str
    records: Mapping[int | None, Record]
    repeats: Mapping[int | None, Sequence[Record]] = field(
        default_factory=dict
    )

    @property
    def first(self) -> Record:
        """Record of the first seed."""
        return next(iter(self.records.values()))

    @property
    def method(self) -> str:
        """Method part of the recipe's name."""
        return self.first.method

    @property
    def is_reference(self) -> bool:
        """Whether it is the floor or the ceiling, which is not ranked."""
        return self.method in (FLOOR, CEILING)

    def miou(self, key: str = 'mIoU') -> list[float | None]:
        """A mean IoU of every seed, percent."""
        return [r.scores.miou.get(key) for r in self.records.values()]


def read_rows(
    folder: str | Path, notes: list[str] | None = None
) -> dict[str, list[Row]]:
    """Read a folder of records and put every direction's rows together.

    Args:
        folder: Folder of records.
        notes: Gets a line per file that was left out as an exact copy.

    Returns:
        Rows by direction, e.g. ``'swg2swc'``: source-only first, methods by
        name, oracle last. An oracle (``'oracle_swc'``) is part of every
        direction to its target.

    Raises:
        FileNotFoundError: No such folder, or no record in it.
        ValueError: A file is no valid record of this schema version, or two
            different records stand for the same run.
    """
    records = read_records(folder)
    if not records:
        raise FileNotFoundError(
            f'{folder}: no records (*.json) here. `python tools/benchmark.py '
            'run` makes them; or give the folder with --records.'
        )
    return by_direction(group_rows(records, notes))


def group_rows(
    records: Mapping[Path, Record], notes: list[str] | None = None
) -> list[Row]:
    """Group records into rows.

    Args:
        records: By file.
        notes: Gets a line per exact copy.

    Raises:
        ValueError: Two different records stand for the same run.
    """
    runs: dict[tuple, dict[tuple, tuple[Path, Record]]] = {}
    for path, record in records.items():
        cells = runs.setdefault(_identity(record), {})
        cell = (record.seed, record.repeat)
        if cell in cells:
            _check_copy(cells[cell], path, record)
            if notes is not None:
                notes.append(
                    f'{path.name} is a copy of {cells[cell][0].name} and '
                    'counts once'
                )
            continue
        cells[cell] = (path, record)
    names = _names(list(runs))
    return [_row(names[key], cells) for key, cells in runs.items()]


def by_direction(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Put rows into directions; target-only ones join all to their target.

    Args:
        rows: Rows of :func:`group_rows`.
    """
    directions = {row.first.direction for row in rows}
    tables: dict[str, list[Row]] = {}
    for row in rows:
        own = row.first.direction
        joined = [d for d in directions if d != own and target_of(d) == own]
        if row.method != CEILING or not joined:
            joined = [own]
        for direction in joined:
            tables.setdefault(direction, []).append(row)
    return {name: sorted(tables[name], key=_order) for name in sorted(tables)}


def target_of(direction: str) -> str:
    """Tag of the whole target: ``swc`` of ``swg2swc`` and ``swc-10pct``."""
    return direction.partition('-')[0].rpartition('2')[2]


def _identity(record: Record) -> tuple[str, ...]:
    """What all seeds of a row share."""
    return (
        record.direction,
        record.method,
        record.variant,
        record.stage,
        record.selection,
        record.predict_on,
    )


def _names(keys: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Shortest names that tell the rows of a direction apart."""
    names = {}
    for key in keys:
        _, method, variant, *details = key
        same = [k for k in keys if k[:3] == key[:3]]
        shown = [
            detail
            for position, detail in enumerate(details, start=3)
            if len({k[position] for k in same}) > 1
        ]
        parts = [part for part in (variant, *shown) if part]
        end = f' ({", ".join(parts)})' if parts else ''
        names[key] = method + end
    return names


def _row(name: str, cells: Mapping[tuple, tuple[Path, Record]]) -> Row:
    ordered = sorted(
        cells.items(), key=lambda cell: (_seed_order(cell[0][0]), cell[0][1])
    )
    first: dict[int | None, Record] = {}
    repeats: dict[int | None, list[Record]] = {}
    for (seed, _), (_, record) in ordered:
        if seed in first:
            repeats.setdefault(seed, []).append(record)
        else:
            first[seed] = record
    return Row(name, first, repeats)


def _seed_order(seed: int | None) -> tuple[bool, int]:
    return (seed is None, seed or 0)


def _order(row: Row) -> tuple[int, str]:
    place = {FLOOR: 0, CEILING: 2}.get(row.method, 1)
    return (place, row.name)


def _check_copy(
    known: tuple[Path, Record], path: Path, record: Record
) -> None:
    """Refuse a second, different record of the same run."""
    if record == known[1]:
        return
    raise ValueError(
        f'two records of one run ({record.recipe}, stage {record.stage}, '
        f'seed {record.seed}, repeat {record.repeat}):\n'
        f'  {known[0]} ({_short(known[1])})\n'
        f'  {path} ({_short(record)})\nMove one of them out of the folder. '
        'Runs of one seed for the noise report differ in the field '
        "'repeat'."
    )


def _short(record: Record) -> str:
    return f'{record.created}, mIoU {record.scores.miou["mIoU"]}'
