# SPDX-License-Identifier: Apache-2.0
"""Table, CSV, JSON and HTML page of a demo run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmseg_da.datasets.class_views import ClassView, get_class_view
from mmseg_da.reporting import (
    Column,
    Panel,
    ResultTable,
    Section,
    Series,
    code,
    color_legend,
    colorize,
    describe_machine,
    describe_versions,
    encode_image,
    evenly_spaced,
    facts,
    figure_row,
    line_chart,
    page,
    panel_grid,
    score_table,
)
from mmseg_da.utils.files import atomic_write, write_json

OFFICIAL = 'cityscapes/mIoU'
PICTURES = 6
# mIoU points that rounding in the official scorer could explain.
_TOLERANCE = 0.01
_SCORES = (
    Column('mIoU', 'mIoU', note='mean IoU of all classes, percent'),
    Column('mIoU16', 'mIoU 16', note='mean over the 16 classes of SYNTHIA'),
    Column('mIoU13', 'mIoU 13', note='mean over 13 of these'),
    Column('aAcc', 'aAcc', note='share of pixels that are right, percent'),
    Column(
        'gap_closed',
        'gap closed %',
        digits=0,
        note='(mIoU - source-only) / (oracle - source-only)',
    ),
)
_COSTS = (
    Column(
        'train_seconds',
        'train s',
        'cost',
        digits=0,
        note='wall time of everything that changes the model',
    ),
    Column(
        'test_rate', 'test img/s', 'cost', note='images per second of the test'
    ),
    Column(
        'peak_mib',
        'peak MiB',
        'cost',
        digits=0,
        note='GPU memory on a GPU, else memory of the process',
    ),
)
_LEAD = (
    'Training on a game, driving in the real world: what a network loses, '
    'and what each method wins back. Everything on this page was generated, '
    'trained and measured on one machine in one go; the streets are drawn by '
    'StreetWorld, which ships with mmseg-da.'
)
_HOW_TO_READ = (
    'Source-only is trained on labelled game images alone: the floor. AdaBN '
    'is the same network with BatchNorm statistics re-estimated on unlabelled '
    'real images; its time is that of source-only plus the adaptation. SAC '
    'goes on from there and learns from its own predictions on unlabelled '
    'real images; its time is that of both trainings. The oracle is trained '
    'on real labels: the ceiling. All are tested on the same real validation '
    'images. One seed: differences below about 3 points are noise.'
)


@dataclass(frozen=True)
class MethodResult:
    """One row of the table and what the page shows of it.

    Args:
        name: Row name.
        config: Config file, relative to the repository.
        metrics: What ``tools/test.py --json`` wrote as metrics.
        train_seconds: Time of everything that changes the model.
        test_rate: Images per second of the test.
        peak_mib: Peak memory of training and test.
        predictions: Folder with ``*_pred_labelIds.png``.
        curve: Logged records, see ``read_scalars``; empty if this row trains
            nothing itself.
    """

    name: str
    config: str
    metrics: Mapping[str, float]
    train_seconds: float
    test_rate: float
    peak_mib: float
    predictions: Path
    curve: Sequence[Mapping[str, float]] = ()

    def official_difference(self) -> float | None:
        """Official mIoU minus ours; None if it was not scored officially."""
        if OFFICIAL not in self.metrics:
            return None
        return self.metrics[OFFICIAL] - self.metrics['mIoU']


def result_table(
    results: Sequence[MethodResult], view: ClassView
) -> ResultTable:
    """The table; the first row is the floor, the last the ceiling.

    Args:
        results: The methods in the order of the rows.
        view: Class view of the scores.
    """
    floor = results[0].metrics['mIoU']
    ceiling = results[-1].metrics['mIoU']
    classes = [Column(f'IoU.{name}', name, 'class') for name in view.classes]
    rows = []
    for result in results:
        row: dict[str, Any] = {'name': result.name}
        for column in (*_SCORES, *classes):
            row[column.key] = result.metrics.get(column.key)
        if ceiling > floor:
            gained = result.metrics['mIoU'] - floor
            row['gap_closed'] = 100 * gained / (ceiling - floor)
        for column in _COSTS:
            row[column.key] = getattr(result, column.key)
        rows.append(row)
    return ResultTable([*_SCORES, *_COSTS, *classes], rows)


def official_line(results: Sequence[MethodResult]) -> str:
    """How the official scorer and ours compare, in one sentence."""
    differences = [r.official_difference() for r in results]
    if any(difference is None for difference in differences):
        return 'The official Cityscapes scorer was not run for every method.'
    last = results[-1]
    worst = max(abs(difference) for difference in differences)
    verdict = 'they agree' if worst <= _TOLERANCE else 'THEY DIFFER'
    return (
        f'Official Cityscapes scorer, {last.name}: mIoU '
        f'{last.metrics[OFFICIAL]:.2f}; ours {last.metrics["mIoU"]:.2f}: '
        f'{verdict} (largest difference of all methods {worst:.1g}).'
    )


def write_report(
    out: Path,
    results: Sequence[MethodResult],
    settings: Mapping[str, Any],
    commands: str,
    data_root: Path,
    class_view: str,
) -> ResultTable:
    """Write ``report.html``, ``table.csv`` and ``results.json``.

    Args:
        out: Folder.
        results: At least source-only first and the oracle last.
        settings: Names and values to show.
        commands: How to make the same again.
        data_root: StreetWorld in the Cityscapes format, for the pictures.
        class_view: Name of the class view.

    Returns:
        The table.
    """
    view = get_class_view(class_view)
    table = result_table(results, view)
    machine, versions = describe_machine(), describe_versions()
    record = {
        'format': 'mmseg_da.demo',
        'version': 1,
        'class_view': class_view,
        'settings': dict(settings),
        'methods': [_plain(result, out) for result in results],
        'machine': machine,
        'versions': versions,
    }
    write_json(out / 'results.json', record)
    _write_text(out / 'table.csv', table.to_csv())
    sections = [
        _results_section(table, results, view),
        Section('Learning curves', [_curves(results)], 'curves'),
        _pictures_section(results, data_root, view),
        Section('Settings', [facts(settings)], 'settings'),
        Section('Reproduce', [code(commands)], 'reproduce'),
        Section(
            'Machine and versions', [facts({**machine, **versions})], 'machine'
        ),
    ]
    footer = 'Made by tools/demo.py of mmseg-da. This file needs no network.'
    html = page('mmseg-da: from game to real', _LEAD, sections, footer)
    _write_text(out / 'report.html', html)
    return table


def _results_section(
    table: ResultTable, results: Sequence[MethodResult], view: ClassView
) -> Section:
    colors = {
        f'IoU.{name}': '#{:02x}{:02x}{:02x}'.format(*color)
        for name, color in zip(view.classes, view.palette, strict=True)
    }
    parts = [_HOW_TO_READ, score_table(table, colors), official_line(results)]
    return Section('Results', parts, 'results')


def _curves(results: Sequence[MethodResult]) -> Any:
    """Training loss and validation mIoU of the methods that train."""
    trained = [result for result in results if result.curve]
    loss = [
        Series(
            r.name, [(s['iter'], s['loss']) for s in r.curve if 'iter' in s]
        )
        for r in trained
    ]
    scores = [
        Series(
            r.name, [(s['step'], s['mIoU']) for s in r.curve if 'mIoU' in s]
        )
        for r in trained
    ]
    return figure_row(
        [
            line_chart(loss, 'Training loss', 'iteration'),
            line_chart(scores, 'Validation mIoU on real, %', 'iteration'),
        ]
    )


def _pictures_section(
    results: Sequence[MethodResult], data_root: Path, view: ClassView
) -> Section:
    frames = sorted((data_root / 'gtFine/val').rglob('*_labelIds.png'))
    lut = view.lut('cityscapes')
    panels = []
    for index in evenly_spaced(len(frames), PICTURES):
        truth = frames[index]
        name = truth.name.removesuffix('_gtFine_labelIds.png')
        image = (
            data_root
            / f'leftImg8bit/val/{truth.parent.name}/{name}_leftImg8bit.png'
        )
        labels = [truth]
        labels += [
            r.predictions / f'{name}_pred_labelIds.png' for r in results
        ]
        with Image.open(image) as picture:
            row = [encode_image(picture)]
        row += [_label_picture(path, lut, view) for path in labels]
        panels.append(Panel(name, row))
    titles = ['image', 'ground truth', *(result.name for result in results)]
    text = (
        f'{len(panels)} validation images at fixed, evenly spaced positions; '
        'not chosen by score.'
    )
    parts = [text, panel_grid(titles, panels), color_legend(view)]
    return Section('Pictures', parts, 'pictures')


def _label_picture(path: Path, lut: np.ndarray, view: ClassView) -> str:
    with Image.open(path) as picture:
        return encode_image(colorize(lut[np.asarray(picture)], view))


def _plain(result: MethodResult, out: Path) -> dict[str, Any]:
    """A result as JSON values; paths relative to the report."""
    values = asdict(result)
    folder = result.predictions
    if folder.is_relative_to(out):
        folder = folder.relative_to(out)
    values['predictions'] = folder.as_posix()
    return values


def _write_text(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding='utf-8')
