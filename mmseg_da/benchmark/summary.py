# SPDX-License-Identifier: Apache-2.0
"""All tables of a folder of records, and every way to write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmseg_da.utils.files import atomic_write

from .noise import Noise, measure_noise
from .report import render_report
from .reported import Reported, read_reported
from .rows import read_rows
from .table import BenchmarkTable, build_table
from .writers import to_csv, to_latex, to_markdown, to_text


@dataclass(frozen=True)
class Benchmark:
    """Tables by direction, their noise, and what papers report.

    Attributes:
        tables: Measured tables, by direction.
        noises: Noise, by direction.
        reported: Rows of papers; shown where there is a measured table.
        remarks: What has to be said about the records as a whole.
    """

    tables: dict[str, BenchmarkTable]
    noises: dict[str, Noise]
    reported: tuple[Reported, ...]
    remarks: tuple[str, ...]

    def text(self) -> str:
        """For a terminal."""
        parts = [
            to_text(table, self.noises[name].lines(), self._papers(name))
            for name, table in self.tables.items()
        ]
        return '\n'.join([*parts, *self._remarks()])

    def md(self) -> str:
        """Markdown."""
        parts = [
            to_markdown(table, self.noises[name].lines(), self._papers(name))
            for name, table in self.tables.items()
        ]
        return '\n'.join([*parts, *self._remarks()])

    def csv(self) -> str:
        """CSV of the measured rows."""
        return to_csv(self.tables.values())

    def latex(self) -> str:
        """LaTeX of the measured rows."""
        return '\n'.join(to_latex(table) for table in self.tables.values())

    def html(self, panels: str | Path | None = None) -> str:
        """One page; see ``render_report``."""
        return render_report(
            list(self.tables.values()), self.noises, self.reported, panels
        )

    def _papers(self, direction: str) -> list[Reported]:
        return [row for row in self.reported if row.direction == direction]

    def _remarks(self) -> list[str]:
        return [f'{remark}.\n' for remark in self.remarks]


def load_benchmark(
    records: str | Path,
    reported: str | Path,
    directions: Sequence[str] | None = None,
    seeds: Iterable[int] | None = None,
    allow_mixed: bool = False,
) -> Benchmark:
    """Make the tables of a folder of records.

    Args:
        records: Folder of records.
        reported: File of :func:`read_reported`.
        directions: Directions to show; by default all.
        seeds: Seeds that every row should have; by default all that occur.
        allow_mixed: Mark rows that were evaluated differently.

    Raises:
        FileNotFoundError: No records.
        ValueError: A record is refused, rows were evaluated differently, or
            a direction has no record.
    """
    copies: list[str] = []
    rows = read_rows(records, copies)
    for direction in directions or ():
        if direction not in rows:
            raise ValueError(
                f'{records}: no record of direction {direction!r}; there '
                f'are: {", ".join(rows)}'
            )
    chosen = {d: rows[d] for d in directions or rows}
    return Benchmark(
        tables={
            direction: build_table(direction, group, allow_mixed, seeds)
            for direction, group in chosen.items()
        },
        noises={d: measure_noise(d, group) for d, group in chosen.items()},
        reported=tuple(read_reported(reported)),
        remarks=tuple(copies),
    )


def write_all(
    benchmark: Benchmark, out: Path, panels: str | Path | None
) -> list[Path]:
    """Write ``table.{txt,md,csv,tex}`` and ``report.html``.

    Args:
        benchmark: What is written.
        out: Folder.
        panels: Folder of pictures.

    Returns:
        The files.
    """
    contents = {
        'table.txt': benchmark.text(),
        'table.md': benchmark.md(),
        'table.csv': benchmark.csv(),
        'table.tex': benchmark.latex(),
        'report.html': benchmark.html(panels),
    }
    for name, text in contents.items():
        with atomic_write(out / name) as temporary:
            temporary.write_text(text, encoding='utf-8')
    return [out / name for name in contents]
