# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest

from mmseg_da.reporting import Series, line_chart, read_scalars
from mmseg_da.reporting.curves import ticks


@pytest.mark.parametrize(
    ('low', 'high', 'expected'),
    [
        (0, 500, [0, 100, 200, 300, 400, 500]),
        (0, 47.3, [0, 10, 20, 30, 40, 50]),
        (0, 2.9, [0, 1, 2, 3]),
        (-1, 1, [-1, -0.5, 0, 0.5, 1]),
        (3, 3, [3, 3.2, 3.4, 3.6, 3.8, 4]),
    ],
)
def test_ticks_are_round_and_enclose_the_range(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_chart_places_points_in_its_corners():
    html = line_chart([Series('a', [(0, 0), (100, 50)])], 'T', 'x')
    widths = [float(x) for x in re.findall(r'cx="([\d.]+)"', html)]
    assert widths == [46.0, 548.0]
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', html)]
    assert heights == [264.0, 12.0]


def test_chart_leaves_out_what_is_not_finite():
    series = [Series('a', [(0, 1.0), (1, float('nan'))]), Series('b', [])]
    html = line_chart(series, 'T', 'x')
    assert html.count('<circle') == 1
    assert '<svg' not in line_chart([Series('b', [])], 'T', 'x')


def write_run(work_dir, start, records, tail=''):
    folder = work_dir / start / 'vis_data'
    folder.mkdir(parents=True)
    lines = [json.dumps(record) for record in records]
    (folder / 'scalars.json').write_text('\n'.join(lines) + '\n' + tail)


def test_scalars_of_a_resumed_run_come_once_and_in_order(tmp_path):
    first = [{'iter': n, 'step': n, 'loss': 3.0} for n in (10, 20, 30)]
    again = [{'iter': n, 'step': n, 'loss': 1.0} for n in (30, 40)]
    val = {'step': 30, 'mIoU': 12.0}
    write_run(tmp_path, '20260101_000000', first)
    write_run(tmp_path, '20260101_000100', [*again, val], tail='{"iter": 5')
    records = read_scalars(tmp_path)
    train = [(r['iter'], r['loss']) for r in records if 'iter' in r]
    assert train == [(10, 3.0), (20, 3.0), (30, 1.0), (40, 1.0)]
    assert [r for r in records if 'iter' not in r] == [val]


def test_scalars_of_a_run_that_did_not_start(tmp_path):
    assert read_scalars(tmp_path / 'nothing') == []
