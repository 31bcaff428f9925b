# SPDX-License-Identifier: Apache-2.0
import csv
import io

import pytest

from mmseg_da.reporting import Column, ResultTable

COLUMNS = [
    Column('mIoU', 'mIoU'),
    Column('seconds', 'train s', 'cost', digits=0),
    Column('IoU.road', 'road', 'class'),
]


@pytest.fixture
def table() -> ResultTable:
    rows = [
        {'name': 'low', 'mIoU': 10.26, 'seconds': 70.4, 'IoU.road': 50.0},
        {'name': 'high', 'mIoU': 30.0, 'seconds': None, 'IoU.road': 50.0},
    ]
    return ResultTable(COLUMNS, rows)


def test_text_has_quantities_down_and_methods_across(table):
    lines = [line for line in table.to_text().splitlines() if '|' in line]
    cells = [[c.strip() for c in line.split('|')[1:-1]] for line in lines]
    assert cells == [
        ['', 'low', 'high'],
        ['mIoU', '10.3', '30.0'],
        ['road', '50.0', '50.0'],
        ['train s', '70', '–'],
    ]


def test_csv_keeps_full_precision_and_empty_cells(table):
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert [row['name'] for row in rows] == ['low', 'high']
    assert float(rows[0]['mIoU']) == 10.26
    assert rows[1]['seconds'] == ''


def test_best_and_ties(table):
    assert table.best(COLUMNS[0]) == 30.0
    assert not table.is_tied(COLUMNS[0])
    assert table.is_tied(COLUMNS[2])


def test_empty_column_has_no_best():
    table = ResultTable(COLUMNS, [{'name': 'a'}])
    assert table.best(COLUMNS[0]) is None


@pytest.mark.parametrize(
    ('columns', 'rows', 'message'),
    [
        (COLUMNS[:1] * 2, [], 'column key.*mIoU.*twice'),
        (COLUMNS, [{'name': 'a'}, {'name': 'a'}], 'row name.*a.*twice'),
        (COLUMNS, [{'mIoU': 1.0}], 'needs a name'),
        (COLUMNS, [{'name': 'a', 'miou': 1.0}], r"unknown: \['miou'\]"),
    ],
)
def test_refuses_a_table_that_does_not_fit(columns, rows, message):
    with pytest.raises(ValueError, match=message):
        ResultTable(columns, rows)


def test_refuses_an_unknown_group():
    with pytest.raises(ValueError, match="group='time'; allowed: score"):
        Column('s', 's', 'time')
