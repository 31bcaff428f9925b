# SPDX-License-Identifier: Apache-2.0
"""What a reader of a table has to know about its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mmseg_da.evaluation.records import Record

from .rows import Row

MARK = '‡'


def _code_of(record: Record) -> tuple[str, ...]:
    """Hashes of the code that its stages used."""
    stages = tuple(stage.code_sha256 for stage in record.cost.stages)
    return stages or (record.code.sha256,)


def make_notes(
    rows: Sequence[Row],
    mixed: Mapping[str, str],
    seeds: Iterable[int] | None,
) -> list[str]:
    """Notes below a table, one sentence each.

    Args:
        rows: Rows of the table.
        mixed: What differs, by name of the rows evaluated differently.
        seeds: Seeds that every row should have; by default all that occur.
    """
    notes = [
        f'{name} {MARK} was evaluated differently and is not ranked: {text}.'
        for name, text in mixed.items()
    ]
    notes += _missing_seeds(rows, seeds)
    best = [row.name for row in rows if row.first.chosen_on_target_labels]
    if best:
        notes.append(
            f'{", ".join(best)}: checkpoint chosen by target labels; no '
            'unsupervised result.'
        )
    for row in rows:
        records = list(row.records.values())
        for what, values in (
            ('configs', {r.config.sha256 for r in records}),
            ('revisions of the code', {_code_of(r) for r in records}),
        ):
            if len(values) > 1:
                notes.append(
                    f'{row.name}: its seeds come from different {what}.'
                )
        if any(record.code.ignored for record in records):
            notes.append(f'{row.name}: made with --ignore-code.')
    if len({r.code.sha256 for row in rows for r in row.records.values()}) > 1:
        notes.append(
            'The records come from different revisions of the package; a '
            'stage runs again only when the code that it uses has changed.'
        )
    machines = {
        str(sorted(record.machine.items()))
        for row in rows
        for record in row.records.values()
    }
    if len(machines) > 1:
        notes.append(
            'The records were made on different machines: compare no costs.'
        )
    return notes


def _missing_seeds(
    rows: Sequence[Row], seeds: Iterable[int] | None
) -> list[str]:
    if seeds is None:
        seeds = {s for row in rows for s in row.records if s is not None}
    wanted = sorted(seeds)
    notes = []
    for row in rows:
        missing = [str(seed) for seed in wanted if seed not in row.records]
        if missing:
            verb = 'seed {} is' if len(missing) == 1 else 'seeds {} are'
            notes.append(
                f'{row.name}: {verb.format(", ".join(missing))} missing.'
            )
    if notes:
        notes.append('`python tools/benchmark.py run` makes what is missing.')
    return notes
