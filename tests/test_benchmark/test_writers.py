# SPDX-License-Identifier: Apache-2.0
"""The numbers in the golden files follow by hand from ``save_grid``."""

import csv
import io
from pathlib import Path

import pytest
from benchmark_records import make_record, save

from mmseg_da.benchmark.reported import read_reported
from mmseg_da.benchmark.writers import best_values

GOLDEN = Path(__file__).with_name('golden')
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ('kind', 'name'),
    [
        ('text', 'table.txt'),
        ('md', 'table.md'),
        ('csv', 'table.csv'),
        ('latex', 'table.tex'),
    ],
)
def test_golden(records, load, kind, name):
    expected = (GOLDEN / name).read_text(encoding='utf-8')
    assert getattr(load(records), kind)() == expected


def test_reported_figures_have_tables_of_their_own(records, load):
    benchmark = load(records)
    text, markdown = benchmark.text(), benchmark.md()
    measured, _, papers = text.partition('reported in papers')
    assert 'their method' not in measured
    assert 'their method [1]' in papers
    assert '[1] A. Author, A Paper, CONF 2020, table 1.' in papers
    assert markdown.index('### swg2swc: reported') > markdown.index('adabn')
    assert 'their method' not in benchmark.csv() + benchmark.latex()


def test_csv_keeps_full_precision_and_the_protocol(tmp_path, load):
    save(tmp_path / 'r', make_record('adabn_swg2swc', 0, 40, 20))
    save(tmp_path / 'r', make_record('adabn_swg2swc', 1, 41, 20))
    (row,) = csv.DictReader(io.StringIO(load(tmp_path / 'r').csv()))
    assert float(row['mIoU']) == pytest.approx(30.25, abs=1e-12)
    assert float(row['mIoU_std']) == pytest.approx(0.125**0.5, abs=1e-12)
    assert row['seeds'] == '0 1'
    assert row['evaluation_size'] == '256 128'


def test_latex_escapes_and_marks_the_best_ranked_row(records, load):
    save(records, make_record('50%_swg2swc', 0, 50, 40))
    text = load(records).latex()
    assert r'50\% & 1 & \textbf{45.0}' in text
    assert r'oracle & 3 & 50.0 $\pm$ 0.0' in text


def test_nothing_is_best_among_less_than_two(records, load):
    assert best_values(load(records).tables['swg2swc']) == {}


def test_reported_file_of_the_repository_is_right():
    rows = read_reported(ROOT / 'configs/methods/reported.yml')
    assert rows
    for row in rows:
        assert row.source
        assert row.miou


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('name: x', 'expected a list'),
        ('- {name: x}', "row 1: field 'comment' is missing"),
        (': :', 'not YAML'),
        (
            '- {name: x, direction: a2b, miou: {mIoU: 50}, iou: {road: 40, '
            "car: 50}, source: s, comment: ''}",
            'classes average to 45.00, but mIoU is 50',
        ),
    ],
)
def test_mistakes_in_reported_figures_are_found(tmp_path, text, message):
    path = tmp_path / 'reported.yml'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_reported(path)
