# SPDX-License-Identifier: Apache-2.0
"""The table of one direction, made from records alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmseg_da.evaluation.records import Record
from mmseg_da.reporting import Column, ResultTable

from .notes import MARK, make_notes
from .protocol import mixed_rows
from .rows import CEILING, FLOOR, Row
from .spread import Spread, spread_of

_COSTS = (
    Column(
        'train_minutes',
        'train min',
        'cost',
        note='wall time of all that makes the model, mean over seeds',
    ),
    Column(
        'images_per_second',
        'test img/s',
        'cost',
        note='images per second of the test, mean over seeds',
    ),
    Column(
        'peak_mib',
        'peak MiB',
        'cost',
        digits=0,
        note='largest memory of any stage: of the GPU, or of the process '
        'where none was used',
    ),
)
_GAP = Column(
    'gap_closed',
    'gap closed %',
    digits=0,
    note='(method - source-only) / (oracle - source-only) of the mean mIoU',
)
_COUNT = Column('n', 'seeds', 'cost', digits=0, note='number of seeds')


@dataclass(frozen=True)
class BenchmarkTable:
    """Measured rows of one direction.

    Attributes:
        direction: E.g. ``'swg2swc'``.
        class_view: Of the measure; see ``mixed_rows``.
        table: Columns and values; scores are :class:`Spread`.
        rows: What the values were made of, in the order of the table.
        ranked: Names of the rows that may be compared as methods: neither
            source-only nor oracle nor evaluated differently.
        mixed: What differs, by name of the rows evaluated differently.
        notes: What a reader has to know, one sentence each.
    """

    direction: str
    class_view: str
    table: ResultTable
    rows: tuple[Row, ...]
    ranked: tuple[str, ...]
    mixed: dict[str, str]
    notes: tuple[str, ...]


def build_table(
    direction: str,
    rows: Sequence[Row],
    allow_mixed: bool = False,
    seeds: Iterable[int] | None = None,
) -> BenchmarkTable:
    """Make the table of a direction.

    Rows come as source-only, methods by falling mIoU, rows evaluated
    differently, oracle.

    Args:
        direction: Direction.
        rows: Its rows, see ``read_rows``.
        allow_mixed: Mark rows that were evaluated differently instead of
            refusing them.
        seeds: Seeds that every row should have; by default all that occur.

    Raises:
        ValueError: Rows were evaluated differently, see ``mixed_rows``.
    """
    mixed = mixed_rows(direction, rows, allow_mixed)
    ordered = sorted(rows, key=lambda row: _rank(row, mixed))
    usual = next((r for r in ordered if r.name not in mixed), ordered[0]).first
    floors = _references(rows, FLOOR, mixed)
    ceilings = _references(rows, CEILING, mixed)
    scores = _score_columns(ordered, usual)
    classes = [Column(f'IoU.{n}', n, 'class') for n in _classes(ordered)]
    lines = []
    for row in ordered:
        line = _scores(row, scores, classes)
        line['name'] = shown_name(row, mixed)
        line['n'] = len(row.records)
        line[_GAP.key] = _gap_closed(row, floors, ceilings, mixed)
        line.update(_costs(row))
        lines.append(line)
    columns = [_COUNT, *scores, _GAP, *_COSTS, *classes]
    return BenchmarkTable(
        direction=direction,
        class_view=usual.protocol.class_view,
        table=ResultTable(columns, lines),
        rows=tuple(ordered),
        ranked=tuple(
            row.name
            for row in ordered
            if not row.is_reference and row.name not in mixed
        ),
        mixed=mixed,
        notes=tuple(make_notes(ordered, mixed, seeds)),
    )


def shown_name(row: Row, mixed: Iterable[str]) -> str:
    """Name of a row in its table, marked if it was evaluated differently."""
    return f'{row.name} {MARK}' if row.name in mixed else row.name


def _rank(row: Row, mixed: Iterable[str]) -> tuple:
    score = spread_of(row.miou())
    return (
        row.method == CEILING,
        row.method != FLOOR,
        row.name in mixed,
        float('inf') if score is None else -score,
        row.name,
    )


def _score_columns(rows: Sequence[Row], usual: Record) -> list[Column]:
    """mIoU over all classes, then over the subsets that any row has."""
    keys = dict.fromkeys(usual.scores.miou)
    for row in rows:
        keys.update(dict.fromkeys(row.first.scores.miou))
    subsets = [key for key in keys if key != 'mIoU']
    count = len(usual.classes)
    return [
        Column('mIoU', f'mIoU {count}', note=f'mean of {count} classes, %'),
        *(
            Column(
                key,
                f'mIoU {key.removeprefix("mIoU")}',
                note=f'mean of the {key.removeprefix("mIoU")} subset, %',
            )
            for key in subsets
        ),
    ]


def _classes(rows: Sequence[Row]) -> list[str]:
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row.first.classes))
    return list(names)


def _scores(
    row: Row, scores: Sequence[Column], classes: Sequence[Column]
) -> dict[str, Spread | str | int | None]:
    line = {column.key: spread_of(row.miou(column.key)) for column in scores}
    for column in classes:
        values = [
            record.scores.iou.get(column.title)
            for record in row.records.values()
        ]
        line[column.key] = spread_of(values)
    return line


def _references(
    rows: Sequence[Row], method: str, mixed: Iterable[str]
) -> dict[str, float]:
    """Mean mIoU of source-only or oracle, by variant (architecture)."""
    found = {}
    for row in rows:
        score = spread_of(row.miou())
        if row.method == method and row.name not in mixed and score:
            found[row.first.variant] = float(score)
    return found


def _gap_closed(
    row: Row,
    floors: dict[str, float],
    ceilings: dict[str, float],
    mixed: Iterable[str],
) -> float | None:
    """Share of the gap in percent; None where it means nothing."""
    floor = floors.get(row.first.variant)
    ceiling = ceilings.get(row.first.variant)
    score = spread_of(row.miou())
    if row.name in mixed or None in (floor, ceiling, score):
        return None
    if ceiling <= floor:
        return None
    return 100 * (float(score) - floor) / (ceiling - floor)


def _costs(row: Row) -> dict[str, Spread | None]:
    records = list(row.records.values())
    seconds = spread_of(train_seconds(record) for record in records)
    return {
        'train_minutes': None if seconds is None else float(seconds) / 60,
        'images_per_second': float(
            Spread(r.cost.images_per_second for r in records)
        ),
        'peak_mib': max(peak_mib(record) for record in records),
    }


def train_seconds(record: Record) -> float | None:
    """Wall time of all that makes the model; None if not measured.

    The stages before the test, and what the test does before its first image
    (AdaBN re-estimates its statistics there).
    """
    seconds = [s.seconds for s in record.cost.stages if s.kind != 'test']
    if not seconds or None in seconds:
        return None
    return sum(seconds) + record.cost.preparation_seconds


def peak_mib(record: Record) -> float:
    """Largest memory of any stage, the test included.

    The test's own figures count for it. Where a GPU was used, artefacts do
    not count: their stages tell the memory of the process alone.
    """
    cost = record.cost
    own, without = cost.peak_rss_mib, ('test',)
    if cost.peak_cuda_mib is not None:
        own, without = cost.peak_cuda_mib, ('test', 'artifact')
    stages = [
        stage.peak_mib
        for stage in cost.stages
        if stage.kind not in without and stage.peak_mib is not None
    ]
    return max([own, *stages])
