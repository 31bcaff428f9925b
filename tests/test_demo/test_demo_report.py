# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
from PIL import Image

from mmseg_da.datasets.class_views import get_class_view
from mmseg_da.demo_run import MethodResult, official_line, write_report
from mmseg_da.demo_run.report import evenly_spaced

VIEW = get_class_view('cityscapes19')
CITY = 'frankfurt'


def write_frame(root, number: int) -> str:
    name = f'{CITY}_{number:06d}_000019'
    for folder, suffix, picture in (
        ('leftImg8bit', 'leftImg8bit', Image.new('RGB', (8, 4))),
        ('gtFine', 'gtFine_labelIds', Image.new('L', (8, 4), 7)),
    ):
        path = root / folder / 'val' / CITY / f'{name}_{suffix}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    return name


@pytest.fixture
def results(tmp_path):
    names = [write_frame(tmp_path / 'data', n) for n in range(8)]
    made = []
    for name, miou in (('source-only', 10.0), ('AdaBN', 25.0), ('top', 40.0)):
        folder = tmp_path / 'out' / name
        folder.mkdir(parents=True)
        for frame in names:
            ids = np.full((4, 8), 11, np.uint8)
            Image.fromarray(ids).save(folder / f'{frame}_pred_labelIds.png')
        metrics = {'mIoU': miou, 'aAcc': 80.0, 'IoU.road': 50.0 + miou}
        metrics['cityscapes/mIoU'] = miou
        curve = [
            {'iter': 1, 'step': 1, 'loss': 2.0},
            {'step': 1, 'mIoU': miou},
        ]
        made.append(
            MethodResult(
                name, 'c.py', metrics, 60.0, 9.0, 500.0, folder, curve
            )
        )
    return made


def write(results, tmp_path):
    return write_report(
        tmp_path / 'out',
        results,
        {'seed': 0},
        'make demo',
        tmp_path / 'data',
        'cityscapes19',
    )


def test_report_shows_rows_pictures_and_commands(results, tmp_path):
    write(results, tmp_path)
    html = (tmp_path / 'out/report.html').read_text()
    assert html.count('<img') == 6 * 5
    for text in ('source-only', 'AdaBN', 'top', 'make demo', 'they agree'):
        assert text in html
    assert '<svg' in html


def test_gap_closed_is_relative_to_first_and_last_row(results, tmp_path):
    table = write(results, tmp_path)
    assert [row['gap_closed'] for row in table.rows] == [0.0, 50.0, 100.0]


def test_gap_is_empty_without_a_gap(results, tmp_path):
    table = write([results[-1], results[0]], tmp_path)
    assert [row['gap_closed'] for row in table.rows] == [None, None]


def test_json_has_all_metrics_and_relative_paths(results, tmp_path):
    write(results, tmp_path)
    record = json.loads((tmp_path / 'out/results.json').read_text())
    assert record['format'] == 'mmseg_da.demo'
    method = record['methods'][1]
    assert method['metrics'] == results[1].metrics
    assert method['predictions'] == 'AdaBN'


def test_csv_has_one_line_per_method(results, tmp_path):
    write(results, tmp_path)
    lines = (tmp_path / 'out/table.csv').read_text().splitlines()
    assert [line.split(',')[0] for line in lines] == [
        'name',
        'source-only',
        'AdaBN',
        'top',
    ]


def test_official_line_warns_of_a_difference(results):
    assert 'they agree' in official_line(results)
    results[1].metrics['cityscapes/mIoU'] += 0.5
    assert 'THEY DIFFER' in official_line(results)
    del results[1].metrics['cityscapes/mIoU']
    assert 'not run for every method' in official_line(results)


def test_positions_of_the_pictures_do_not_depend_on_scores():
    assert evenly_spaced(60, 6) == [5, 15, 25, 35, 45, 55]
    assert evenly_spaced(2, 6) == [0, 1]
    assert evenly_spaced(0, 6) == []
