# SPDX-License-Identifier: Apache-2.0
"""One table of results: for the console, as CSV, and for the HTML page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prettytable import PrettyTable

GROUPS = ('score', 'class', 'gain', 'cost')
MISSING = '–'


@dataclass(frozen=True)
class Column:
    """A quantity that every row of a table has or lacks.

    Args:
        key: Key in the rows and in the CSV head.
        title: What people read.
        group: 'score' (a mean, percent), 'class' (IoU of one class, percent;
            coloured by value in the page), 'gain' (difference of such IoUs,
            points; shown with its sign and coloured by it) or 'cost'.
        digits: Digits after the point.
        note: Explanation, shown when the pointer rests on the head.

    Raises:
        ValueError: Unknown group.
    """

    key: str
    title: str
    group: str = 'score'
    digits: int = 1
    note: str = ''

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise ValueError(
                f'column {self.key!r}: group={self.group!r}; allowed: '
                f'{", ".join(GROUPS)}'
            )

    def text(self, value: float | None) -> str:
        """A value as people read it; a dash where there is none."""
        sign = '+' if self.group == 'gain' else ''
        return MISSING if value is None else f'{value:{sign}.{self.digits}f}'


@dataclass(frozen=True)
class ResultTable:
    """Rows of methods, columns of scores and costs.

    Args:
        columns: The columns, in order; keys are unique.
        rows: ``name`` of the method and a value per column key; a missing
            key or None is an empty cell.

    Raises:
        ValueError: Two columns of one key, two rows of one name, a row
            without a name, or a key that no column has.
    """

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, float | str | None]]

    def __post_init__(self) -> None:
        keys = [column.key for column in self.columns]
        names = [row.get('name') for row in self.rows]
        for what, values in (('column key', keys), ('row name', names)):
            twice = sorted({str(v) for v in values if values.count(v) > 1})
            if twice:
                raise ValueError(f'table: {what} {twice} occurs twice')
        for row in self.rows:
            unknown = sorted(set(row) - {'name', *keys})
            if 'name' not in row or unknown:
                raise ValueError(
                    f'table: row {dict(row)} needs a name and only the keys '
                    f'{keys}; unknown: {unknown}'
                )

    def group(self, name: str) -> list[Column]:
        """Columns of one group."""
        return [column for column in self.columns if column.group == name]

    def values(self, column: Column) -> list[float]:
        """The values of a column without its empty cells."""
        values = [row.get(column.key) for row in self.rows]
        return [value for value in values if value is not None]

    def best(self, column: Column) -> float | None:
        """Highest value of a column, None if it is empty."""
        return max(self.values(column), default=None)

    def is_tied(self, column: Column) -> bool:
        """Whether all values of a column are the same."""
        return len(set(self.values(column))) <= 1

    def to_text(self) -> str:
        """The table for a console: quantities down, methods across.

        Class rows are set apart by a line; 24 quantities of three methods
        fit a terminal of 80 columns, 24 columns would not.
        """
        names = [str(row['name']) for row in self.rows]
        table = PrettyTable(['', *names])
        table.align = 'r'
        table.align[''] = 'l'
        groups = [self.group(name) for name in GROUPS]
        for columns in groups:
            for index, column in enumerate(columns):
                cells = [column.text(row.get(column.key)) for row in self.rows]
                last = index == len(columns) - 1
                table.add_row([column.title, *cells], divider=last)
        return table.get_string()

    def to_csv(self) -> str:
        """The table as CSV, full precision, one line per method."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator='\n')
        writer.writerow(['name', *(column.key for column in self.columns)])
        for row in self.rows:
            values = (row.get(column.key) for column in self.columns)
            cells = ['' if value is None else value for value in values]
            writer.writerow([row['name'], *cells])
        return stream.getvalue()
