# SPDX-License-Identifier: Apache-2.0
"""A benchmark table as text, Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence

from prettytable import PrettyTable, TableStyle

from mmseg_da.reporting import Column, ResultTable

from .reported import Reported, reported_table, sources
from .spread import Spread
from .table import BenchmarkTable

_METHODS_ACROSS = 6
_MEASURED = 'measured by this repository'
_REPORTED = 'reported in papers, not measured here'
_LATEX = {
    '\\': r'\textbackslash{}',
    '&': r'\&',
    '%': r'\%',
    '$': r'\$',
    '#': r'\#',
    '_': r'\_',
    '{': r'\{',
    '}': r'\}',
    '~': r'\textasciitilde{}',
    '^': r'\textasciicircum{}',
    '±': r'$\pm$',
    '–': '--',
    '‡': r'$\ddagger$',
}


def to_text(
    table: BenchmarkTable,
    noise: Sequence[str] = (),
    reported: Sequence[Reported] = (),
) -> str:
    """For a terminal: scores and costs, then classes down, rows across.

    Args:
        table: Measured rows.
        noise: Sentences below the table.
        reported: Figures of papers on the same direction.
    """
    parts = [f'{table.direction}: {_MEASURED}', _summary(table.table)]
    parts += [f'  {note}' for note in table.notes]
    parts += ['', 'IoU per class, mean over seeds, %']
    parts += _classes_down(table.table)
    if noise:
        parts += ['', 'Noise', *(f'  {line}' for line in noise)]
    if reported:
        paper = reported_table(reported)
        parts += ['', f'{table.direction}: {_REPORTED}', _summary(paper)]
        parts += _classes_down(paper)
        parts += [f'  {line}' for line in sources(reported)]
    return '\n'.join(parts) + '\n'


def to_markdown(
    table: BenchmarkTable,
    noise: Sequence[str] = (),
    reported: Sequence[Reported] = (),
) -> str:
    """Markdown with a section per table; arguments of :func:`to_text`."""
    parts = [
        f'## {table.direction}',
        f'Mean ± standard deviation over seeds, {_MEASURED}.',
        _markdown(table.table, _summary_columns(table.table)),
    ]
    if table.notes:
        parts.append('\n'.join(f'- {note}' for note in table.notes))
    parts.append('IoU per class, mean over seeds:')
    parts.append(_markdown(table.table, table.table.group('class')))
    if noise:
        parts += ['### Noise', '\n'.join(f'- {line}' for line in noise)]
    if reported:
        paper = reported_table(reported)
        parts += [f'### {table.direction}: {_REPORTED}']
        parts.append(_markdown(paper, paper.columns))
        parts.append('\n'.join(f'- {line}' for line in sources(reported)))
    return '\n\n'.join(parts) + '\n'


def to_csv(tables: Iterable[BenchmarkTable]) -> str:
    """All measured rows of all directions, full precision, one a line.

    A score has two columns, ``mIoU`` and ``mIoU_std``. The protocol of every
    row is part of its line.

    Args:
        tables: Tables; they may have different columns.
    """
    lines = [line for table in tables for line in _csv_lines(table)]
    keys: dict[str, None] = {}
    for line in lines:
        keys.update(dict.fromkeys(line))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(keys), '', lineterminator='\n')
    writer.writeheader()
    writer.writerows(lines)
    return stream.getvalue()


def to_latex(table: BenchmarkTable) -> str:
    r"""Two ``tabular``s for ``booktabs`` and ``graphicx``.

    The best ranked value of every score is bold.

    Args:
        table: Measured rows.
    """
    summary = _summary_columns(table.table)
    classes = table.table.group('class')
    comments = [f'% {note}' for note in table.notes]
    return '\n'.join(
        [
            f'% {table.direction}: mean and standard deviation over seeds, '
            f'{_MEASURED}',
            *comments,
            *_tabular(table, summary, rotate=False),
            f'% {table.direction}: IoU per class, mean over seeds',
            *_tabular(table, classes, rotate=True),
            '',
        ]
    )


def cell(column: Column, value: float | None) -> str:
    """A value as people read it; classes without their deviation."""
    if column.group == 'class' and value is not None:
        value = float(value)
    return column.text(value)


def best_values(table: BenchmarkTable) -> dict[str, float]:
    """Highest score and class values of the ranked rows, by column key.

    Columns in which fewer than two ranked rows differ have none.

    Args:
        table: Measured rows.
    """
    lines = [row for row in table.table.rows if row['name'] in table.ranked]
    best = {}
    for column in table.table.columns:
        values = {line.get(column.key) for line in lines} - {None}
        if column.group != 'cost' and len(values) > 1:
            best[column.key] = max(values)
    return best


def _summary_columns(table: ResultTable) -> list[Column]:
    return [column for column in table.columns if column.group != 'class']


def _summary(table: ResultTable) -> str:
    columns = _summary_columns(table)
    return _pretty(
        ['', *(column.title for column in columns)],
        [
            [line['name'], *(cell(c, line.get(c.key)) for c in columns)]
            for line in table.rows
        ],
    ).get_string()


def _classes_down(table: ResultTable) -> list[str]:
    """Blocks of at most six rows of the table, side by side."""
    classes = table.group('class')
    keys = {column.key for column in classes}
    rows = [line for line in table.rows if keys & set(line)]
    blocks = []
    for start in range(0, len(rows), _METHODS_ACROSS):
        lines = rows[start : start + _METHODS_ACROSS]
        cells = [
            [c.title, *(cell(c, line.get(c.key)) for line in lines)]
            for c in classes
        ]
        names = [str(line['name']) for line in lines]
        blocks.append(_pretty(['', *names], cells).get_string())
    return blocks


def _pretty(
    head: Sequence[str], lines: Sequence[Sequence[str]]
) -> PrettyTable:
    pretty = PrettyTable(list(head))
    pretty.align = 'r'
    pretty.align[head[0]] = 'l'
    pretty.add_rows(lines)
    return pretty


def _markdown(table: ResultTable, columns: Sequence[Column]) -> str:
    pretty = _pretty(
        ['method', *(column.title for column in columns)],
        [
            [line['name'], *(cell(c, line.get(c.key)) for c in columns)]
            for line in table.rows
        ],
    )
    pretty.set_style(TableStyle.MARKDOWN)
    return pretty.get_string()


def _csv_lines(table: BenchmarkTable) -> Iterable[dict[str, object]]:
    for row, line in zip(table.rows, table.table.rows, strict=True):
        values: dict[str, object] = {
            'direction': table.direction,
            'method': row.name,
            'ranked': row.name in table.ranked,
            'seeds': ' '.join(str(seed) for seed in row.records),
        }
        for column in table.table.columns:
            value = line.get(column.key)
            values[column.key] = '' if value is None else _number(value)
            if column.group == 'score' and column.key != 'gap_closed':
                values[f'{column.key}_std'] = _deviation(value)
        values['selection'] = row.first.selection
        values['predict_on'] = row.first.predict_on
        values.update(_protocol(row.first.protocol))
        yield values


def _number(value: float) -> float | int:
    return value if isinstance(value, int) else float(value)


def _deviation(value: object) -> float | str:
    is_spread = isinstance(value, Spread) and value.std is not None
    return value.std if is_spread else ''


def _protocol(protocol: object) -> Mapping[str, object]:
    values = dataclasses.asdict(protocol)
    return {
        key: ' '.join(map(str, value)) if isinstance(value, tuple) else value
        for key, value in values.items()
    }


def _tabular(
    table: BenchmarkTable, columns: Sequence[Column], rotate: bool
) -> list[str]:
    best = best_values(table)
    heads = [_escape(column.title) for column in columns]
    if rotate:
        heads = [rf'\rotatebox{{90}}{{{head}}}' for head in heads]
    lines = [
        rf'\begin{{tabular}}{{l{"r" * len(columns)}}}',
        r'\toprule',
        ' & '.join(['method', *heads]) + r' \\',
        r'\midrule',
    ]
    for row in table.table.rows:
        cells = [_escape(str(row['name']))]
        for column in columns:
            value = row.get(column.key)
            text = _escape(cell(column, value))
            is_best = (
                row['name'] in table.ranked
                and value is not None
                and best.get(column.key) == value
            )
            cells.append(rf'\textbf{{{text}}}' if is_best else text)
        lines.append(' & '.join(cells) + r' \\')
    return [*lines, r'\bottomrule', r'\end{tabular}']


def _escape(text: str) -> str:
    return ''.join(_LATEX.get(character, character) for character in text)
