# SPDX-License-Identifier: Apache-2.0
"""The benchmark as one HTML page that opens offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mmseg_da.datasets.class_views import CLASS_VIEWS
from mmseg_da.reporting import (
    Column,
    ResultTable,
    Section,
    code,
    color_legend,
    facts,
    figure_row,
    heading,
    page,
    panel_grid,
    remarks,
    score_table,
)

from .figures import cost_figure, learning_curves, score_figure
from .noise import Noise
from .panels import read_panels
from .protocol import conditions
from .reported import Reported, reported_table, sources
from .rows import FLOOR
from .table import BenchmarkTable
from .writers import best_values

_LEAD = (
    'Every method under one declared protocol: the same data, networks, '
    'schedules and scorer. All numbers were measured by this repository and '
    'come from its result records alone.'
)
_HOW_TO_READ = (
    'Mean ± sample standard deviation over seeds. Source-only is the floor, '
    'trained without the target; the oracle is the ceiling, trained on the '
    "target's labels. Neither is ranked. Gap closed is (method - source-only) "
    '/ (oracle - source-only). Bold: best ranked row. Click a head to sort.'
)


def render_report(
    tables: Sequence[BenchmarkTable],
    noises: Mapping[str, Noise],
    reported: Sequence[Reported] = (),
    panels: str | Path | None = None,
) -> str:
    """Make the page.

    Args:
        tables: Measured tables, one per direction.
        noises: Noise by direction.
        reported: Figures of papers; those of other directions are left out.
        panels: Folder with a folder of pictures per direction.

    Returns:
        HTML text.

    Raises:
        ValueError: The folder of pictures is damaged.
    """
    several = len(tables) > 1
    sections = []
    for table in tables:
        start = f'{table.direction}: ' if several else ''
        sections += _direction_sections(
            table, noises[table.direction], reported, panels, start
        )
    title = 'mmseg-da benchmark'
    if not several:
        title += f': {tables[0].direction}'
    footer = (
        'Made by tools/benchmark.py of mmseg-da from result records. This '
        'file needs no network.'
    )
    return page(title, _LEAD, sections, footer)


def _direction_sections(
    table: BenchmarkTable,
    noise: Noise,
    reported: Sequence[Reported],
    panels: str | Path | None,
    start: str,
) -> list[Section]:
    """Sections of one direction; their titles begin with ``start``."""
    papers = [row for row in reported if row.direction == table.direction]
    content = {
        'Results': _results(table),
        'Classes': _classes(table),
        'Learning curves': _curves(table),
        'Pictures': _pictures(table, panels),
        'Noise': [remarks(noise.lines())],
        'Reported in papers': _papers(papers),
        'Protocol': _protocol(table),
    }
    return [
        Section(
            start + title,
            parts,
            f'{table.direction}-{title.lower().replace(" ", "-")}',
        )
        for title, parts in content.items()
        if parts
    ]


def _results(table: BenchmarkTable) -> list[Markup | str]:
    columns = [c for c in table.table.columns if c.group != 'class']
    keys = {'name', *(column.key for column in columns)}
    rows = [
        {key: value for key, value in row.items() if key in keys}
        for row in table.table.rows
    ]
    figures = [score_figure(table), cost_figure(table)]
    parts = [
        _HOW_TO_READ,
        score_table(ResultTable(columns, rows), best=best_values(table)),
        remarks(table.notes) if table.notes else Markup(''),
        figure_row([figure for figure in figures if figure]),
    ]
    return [part for part in parts if part]


def _classes(table: BenchmarkTable) -> list[Markup | str]:
    """Heat maps: IoU per class, and what it gained over source-only."""
    columns = table.table.group('class')
    rows = [
        {'name': row['name'], **_means(row, columns)}
        for row in table.table.rows
    ]
    colors = _class_colors(table)
    parts = [
        heading('IoU, mean over seeds, %'),
        score_table(ResultTable(columns, rows), colors, best_values(table)),
    ]
    gains = _gains(table, columns, rows)
    if gains is not None:
        parts += [
            heading('Points over source-only'),
            score_table(gains, colors, best={}),
        ]
    return parts


def _curves(table: BenchmarkTable) -> list[Markup | str]:
    """Curves; rows that test the same weights hide each other."""
    weights: dict[tuple[str, ...], list[str]] = {}
    for row in table.rows:
        hashes = tuple(r.checkpoint.sha256 for r in row.records.values())
        weights.setdefault(hashes, []).append(row.name)
    shared = [
        f'{", ".join(names)} share one training and its curve.'
        for names in weights.values()
        if len(names) > 1
    ]
    curves = learning_curves(table)
    return [curves, remarks(shared)] if shared else [curves]


def _means(
    row: Mapping[str, Any], columns: Sequence[Column]
) -> dict[str, float | None]:
    values = {column.key: row.get(column.key) for column in columns}
    return {k: None if v is None else float(v) for k, v in values.items()}


def _gains(
    table: BenchmarkTable,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
) -> ResultTable | None:
    """Differences to source-only; None without it or without other rows."""
    floors = [
        line
        for row, line in zip(table.rows, rows, strict=True)
        if row.method == FLOOR
    ]
    if not floors or len(rows) < 2:
        return None
    floor = floors[0]
    lines = []
    for line in rows:
        if line is floor:
            continue
        gains: dict[str, Any] = {'name': line['name']}
        for column in columns:
            pair = (line[column.key], floor[column.key])
            gains[column.key] = None if None in pair else pair[0] - pair[1]
        lines.append(gains)
    signed = [Column(c.key, c.title, 'gain') for c in columns]
    return ResultTable(signed, lines)


def _class_colors(table: BenchmarkTable) -> dict[str, str]:
    view = CLASS_VIEWS.get(table.class_view)
    if view is None:
        return {}
    return {
        f'IoU.{name}': '#{:02x}{:02x}{:02x}'.format(*color)
        for name, color in zip(view.classes, view.palette, strict=True)
    }


def _pictures(
    table: BenchmarkTable, panels: str | Path | None
) -> list[Markup | str]:
    if panels is None:
        return []
    names = [row.name for row in table.rows]
    found = read_panels(Path(panels) / table.direction, names)
    if found is None:
        return []
    titles, lines, view = found
    text = (
        f'{len(lines)} test images at fixed, evenly spaced positions, not '
        'chosen by score; predictions of the first seed.'
    )
    return [text, panel_grid(titles, lines), color_legend(view)]


def _papers(papers: Sequence[Reported]) -> list[Markup | str]:
    if not papers:
        return []
    text = (
        'Figures of papers, not measured here: other code, other data '
        'loading, often the best checkpoint chosen on the test labels. They '
        'are never mixed with the rows above.'
    )
    table = score_table(reported_table(papers), best={})
    return [text, table, remarks(sources(papers))]


def _protocol(table: BenchmarkTable) -> list[Markup | str]:
    usual = next(
        (row for row in table.rows if row.name not in table.mixed),
        table.rows[0],
    ).first
    shown = {
        key.replace('_', ' '): _text(key, value)
        for key, value in conditions(usual).items()
    }
    return [
        facts(shown),
        heading('Machine and versions'),
        facts({**usual.machine, **usual.versions}),
        heading('Make the same again'),
        code(
            f'python tools/benchmark.py run --directions {table.direction}\n'
            'python tools/benchmark.py table\n'
            'python tools/benchmark.py report --out report.html'
        ),
    ]


def _text(key: str, value: Any) -> str:
    if isinstance(value, tuple):
        between = ' × ' if key.endswith('size') else ', '
        return between.join(map(str, value)) or 'none'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if key.endswith('sha256'):
        return f'{value[:12]}…'
    return 'varies' if value is None else str(value)
