# SPDX-License-Identifier: Apache-2.0
"""Learning curves: read from a run's log, drawn as SVG."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from .html import render

_WIDTH, _HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 36


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Args:
        name: Shown in the legend.
        points: ``(x, y)``; not finite ones are left out.
        color: Number of its colour, 0 to 9, to keep one over several charts;
            by default its place among the lines.
    """

    name: str
    points: Sequence[tuple[float, float]]
    color: int | None = None

    def finite(self) -> list[tuple[float, float]]:
        """Points that can be drawn, by x."""
        return sorted(p for p in self.points if math.isfinite(p[1]))


def read_scalars(work_dir: str | Path) -> list[dict[str, float]]:
    """Read what a run logged, over all its starts, oldest first.

    A resumed run repeats the iterations since its last checkpoint; the later
    record of an iteration wins. A last line that is being written is left
    out.

    Args:
        work_dir: Work directory of mmengine's Runner.

    Returns:
        One dict per record; training records have ``iter``, validation
        records only ``step``. Empty if nothing was logged.
    """
    files = sorted(Path(work_dir).glob('*/vis_data/scalars.json'))
    records: dict[tuple[bool, float], dict[str, float]] = {}
    for file in files:
        for line in file.read_text(encoding='utf-8').splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and 'step' in record:
                records['iter' in record, record['step']] = record
    return sorted(records.values(), key=lambda record: record['step'])


def line_chart(series: Sequence[Series], title: str, x_label: str) -> Markup:
    """Draw lines as SVG that follows the colours of the page.

    Args:
        series: Lines; those without a finite point are left out.
        title: Title above the chart; says what the vertical axis shows,
            which begins at zero, or below where values are negative.
        x_label: What the horizontal axis shows.

    Returns:
        A figure; a line of text if there is nothing to draw.
    """
    drawn = [(one, one.finite()) for one in series if one.finite()]
    xs = [x for _, points in drawn for x, _ in points]
    ys = [y for _, points in drawn for _, y in points]
    x_ticks = ticks(0, max(xs, default=1))
    y_ticks = ticks(min([0, *ys]), max(ys, default=1))
    x_low, x_high = x_ticks[0], max(xs, default=0) or x_ticks[-1]
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def place_x(x: float) -> float:
        share = (x - x_low) / (x_high - x_low)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def place_y(y: float) -> float:
        share = (y - y_low) / (y_high - y_low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)

    lines = [
        {
            'name': one.name,
            'color': place if one.color is None else one.color,
            'dots': [(place_x(x), place_y(y), x, y) for x, y in points],
        }
        for place, (one, points) in enumerate(drawn)
    ]
    return render(
        'line_chart',
        title=title,
        x_label=x_label,
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        bottom=_HEIGHT - _BOTTOM,
        x_ticks=[(place_x(x), f'{x:g}') for x in x_ticks if x <= x_high],
        y_ticks=[(place_y(y), f'{y:g}') for y in y_ticks],
        lines=lines,
    )


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values that enclose a range, about ``count`` steps of 1, 2, 5.

    Args:
        low: Lower end.
        high: Upper end; a range without width is widened by one.
        count: Wanted number of steps.
    """
    if high <= low:
        high = low + 1
    raw = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(f * unit for f in (1, 2, 5, 10) if f * unit >= raw * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]
