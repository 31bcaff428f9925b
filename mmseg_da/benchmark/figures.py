# SPDX-License-Identifier: Apache-2.0
"""Charts of a benchmark table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmseg_da.evaluation.records import Record
from mmseg_da.reporting import Series, figure_row, line_chart
from mmseg_da.reporting.svg import new_figure, svg_figure, theme_color

from .rows import CEILING, FLOOR, Row
from .spread import Spread, spread_of
from .table import BenchmarkTable

_WIDTH, _HEIGHT = 5.6, 3.2


def score_figure(table: BenchmarkTable) -> Markup:
    """mIoU of every row: mean, standard deviation, and each seed."""
    scores = _scores(table)
    figure = _new_figure(table)
    (axes,) = figure.axes
    for place, (row, score) in enumerate(scores):
        color = theme_color(place)
        axes.barh(place, float(score), height=0.6, color=color, alpha=0.28)
        axes.errorbar(
            float(score),
            place,
            xerr=score.std,
            fmt='o',
            markersize=5,
            capsize=4,
            color=color,
        )
        axes.plot(
            score.values,
            [place] * len(score.values),
            '|',
            color=theme_color('ink'),
            markersize=9,
            alpha=0.6,
        )
        if row.method in (FLOOR, CEILING):
            axes.axvline(float(score), color=color, linewidth=0.8, ls='--')
    axes.set_yticks(range(len(scores)), [row.name for row, _ in scores])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel('mIoU, %')
    axes.grid(axis='x')
    axes.set_axisbelow(True)
    return svg_figure(
        figure,
        f'mIoU, {table.direction}',
        'Dot: mean; whiskers: standard deviation; ticks: single seeds.',
    )


def cost_figure(table: BenchmarkTable) -> Markup:
    """Gain over source-only against training time; empty without times."""
    scores = _scores(table)
    floor = next((s for row, s in scores if row.method == FLOOR), None)
    minutes = {row['name']: row['train_minutes'] for row in table.table.rows}
    points = [
        (minutes[row.name], float(score) - float(floor), place)
        for place, (row, score) in enumerate(scores)
        if floor is not None and minutes.get(row.name) is not None
    ]
    if not points:
        return Markup('')
    figure = _new_figure(table)
    (axes,) = figure.axes
    for time, gain, place in points:
        axes.errorbar(
            time,
            gain,
            yerr=scores[place][1].std,
            fmt='o',
            capsize=3,
            color=theme_color(place),
        )
    axes.axhline(0, color=theme_color('soft'), linewidth=0.8)
    axes.margins(y=0.18)
    axes.set_xlim(0, 1.25 * max(time for time, _, _ in points))
    axes.locator_params('x', nbins=6)
    _label(axes, points, [row.name for row, _ in scores])
    axes.set_xlabel('training time, minutes')
    axes.set_ylabel('mIoU over source-only, points')
    axes.grid()
    axes.set_axisbelow(True)
    return svg_figure(
        figure,
        f'Cost against gain, {table.direction}',
        'Times hold for the machine named below.',
    )


def _label(
    axes: Axes, points: Sequence[tuple[float, float, int]], names: list[str]
) -> None:
    """Names beside points, moved up where two would overlap."""
    (_, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    line = 0.07 * (high - low)
    placed: list[tuple[float, float]] = []
    for time, gain, place in sorted(points, key=lambda point: point[1]):
        height = gain + 0.4 * line
        for x, y in placed:
            if abs(x - time) < 0.25 * right and height < y + line:
                height = y + line
        placed.append((time, height))
        axes.text(time + 0.015 * right, height, names[place], va='center')


def learning_curves(table: BenchmarkTable) -> Markup:
    """Training loss and validation mIoU, the mean over the seeds."""
    charts = []
    for key, title in (
        ('loss', 'Training loss'),
        ('mIoU', 'Validation mIoU, %'),
    ):
        series = [
            Series(row.name, mean_curve(row.records.values(), key), place)
            for place, row in enumerate(table.rows)
        ]
        text = f'{title}, {table.direction}'
        charts.append(line_chart(series, text, 'iteration'))
    return figure_row(charts)


def mean_curve(
    records: Iterable[Record], key: str
) -> list[tuple[float, float]]:
    """Mean of a curve over the iterations that all records have.

    Args:
        records: Records of one row.
        key: Key of their curves.
    """
    curves = [dict(r.curves[key]) for r in records if r.curves.get(key)]
    if not curves:
        return []
    common = set.intersection(*(set(curve) for curve in curves))
    return [
        (step, float(Spread(curve[step] for curve in curves)))
        for step in sorted(common)
    ]


def _new_figure(table: BenchmarkTable) -> Figure:
    """A figure that is high enough for a line per row."""
    return new_figure(_WIDTH, max(0.9 + 0.34 * len(table.rows), _HEIGHT))


def _scores(table: BenchmarkTable) -> list[tuple[Row, Spread]]:
    pairs = [(row, spread_of(row.miou())) for row in table.rows]
    return [(row, score) for row, score in pairs if score is not None]
