# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest
from benchmark_records import make_record, save
from mmengine.config import Config

from mmseg_da.benchmark.figures import mean_curve
from mmseg_da.benchmark.panels import (
    COUNT,
    collect_panels,
    is_predicted,
    read_panels,
)
from mmseg_da.reporting.svg import new_figure, svg_figure, theme_color
from mmseg_da.utils.files import write_json

CONFIG = 'configs/methods/oracle_swc.py'


def external(html: str) -> list[str]:
    """Everything in a page that a browser would load."""
    found = re.findall(r'(?:src|href)="([^"]*)"', html)
    found += re.findall(r'url\(([^)]*)\)', html)
    loaded = [value for value in found if not value.startswith('#')]
    loaded = [value for value in loaded if not value.startswith('data:')]
    return loaded + re.findall(r'@import|https?://[^\s"<]*', html)


def test_the_page_needs_nothing_else(records, load):
    html = load(records).html()
    assert external(html) == []
    assert html.count('<svg') == 4
    ids = re.findall(r' id="([^"]*)"', html)
    assert len(ids) == len(set(ids))


def test_the_page_shows_every_part(records, load):
    html = load(records).html()
    titles = re.findall(r'<h2>(.*?)</h2>', html)
    assert titles == [
        'Results',
        'Classes',
        'Learning curves',
        'Noise',
        'Reported in papers',
        'Protocol',
    ]
    assert '36.0 ± 2.0' in html
    assert '+6.0' in html


def test_rows_that_test_the_same_weights_are_named(tmp_path, load):
    record = make_record('source-only_swg2swc')
    save(tmp_path / 'r', record)
    other = make_record('adabn_swg2swc', checkpoint=record.checkpoint)
    save(tmp_path / 'r', other)
    save(tmp_path / 'r', make_record('oracle_swc'))
    html = load(tmp_path / 'r').html()
    assert '<li>source-only, adabn share one training' in html


def test_gains_and_losses_are_coloured_by_size(tmp_path, load):
    folder = tmp_path / 'r'
    save(folder, make_record('source-only_swg2swc', 0, 40, 20))
    save(folder, make_record('sac_swg2swc', 0, 30, 80))
    html = load(folder).html()
    loss = r'class="class loss" data-value="-10.0" style="--heat:0.500">-10.0<'
    gain = r'class="class gain" data-value="60.0" style="--heat:1.000">\+60.0<'
    assert len(re.findall(loss, html)) == len(re.findall(gain, html)) == 2


def test_directions_have_sections_of_their_own(records, load):
    save(records, make_record('source-only_swg2camvid'))
    html = load(records).html()
    assert '<h2>swg2swc: Results</h2>' in html
    assert '<h2>swg2camvid: Results</h2>' in html
    assert 'id="swg2camvid-results"' in html


def test_a_page_of_one_row_without_times(tmp_path, load):
    save(tmp_path / 'r', make_record('sac_swg2swc', street=0, other=0))
    html = load(tmp_path / 'r').html()
    assert 'Points over source-only' not in html
    assert html.count('<svg') == 3


def test_a_curve_is_the_mean_over_the_common_iterations():
    first = make_record('a_b', curves={'loss': ((1.0, 4.0), (2.0, 2.0))})
    second = make_record('a_b', curves={'loss': ((2.0, 3.0), (3.0, 1.0))})
    assert mean_curve([first, second], 'loss') == [(2.0, 2.5)]
    assert mean_curve([first], 'mIoU') == []


def test_figures_take_the_colours_of_the_page_and_do_not_change():
    texts = []
    for _ in range(2):
        figure = new_figure(3, 2)
        figure.axes[0].plot([1, 2], color=theme_color(13))
        texts.append(svg_figure(figure, 'title'))
    assert texts[0] == texts[1]
    assert 'var(--c3)' in texts[0]
    assert 'var(--edge)' in texts[0]
    assert '#abcd' not in texts[0]
    assert 'xmlns' not in texts[0]


@pytest.fixture
def submission(street_world, tmp_path):
    """The truth as the prediction of a test run."""
    folder = tmp_path / 'submission'
    (folder / 'label_ids').mkdir(parents=True)
    root = street_world / 'cityscapes/gtFine/val'
    for path in root.rglob('*_gtFine_labelIds.png'):
        name = path.name.replace('_gtFine_labelIds', '_pred_labelIds')
        (folder / 'label_ids' / name).write_bytes(path.read_bytes())
    return folder


def test_pictures_of_the_same_images(
    street_world, submission, tmp_path, monkeypatch
):
    monkeypatch.setenv('STREET_WORLD_ROOT', str(street_world))
    out = tmp_path / 'panels'
    config = Config.fromfile(CONFIG)
    collect_panels(out, config, {'a': submission, 'b': submission})
    titles, panels, view = read_panels(out, ['b', 'none'])
    assert titles == ['image', 'ground truth', 'b']
    assert view.name == 'cityscapes19'
    # The fixture has 4 test images.
    assert len(panels) == min(COUNT, 4)
    for panel in panels:
        _, truth, prediction = panel.pictures
        assert truth == prediction


def test_a_missing_prediction_is_named(
    street_world, submission, tmp_path, monkeypatch
):
    monkeypatch.setenv('STREET_WORLD_ROOT', str(street_world))
    for path in (submission / 'label_ids').iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match='has no prediction of'):
        collect_panels(
            tmp_path / 'panels', Config.fromfile(CONFIG), {'a': submission}
        )


def test_pictures_of_other_rows_stay(
    street_world, submission, tmp_path, monkeypatch
):
    monkeypatch.setenv('STREET_WORLD_ROOT', str(street_world))
    config = Config.fromfile(CONFIG)
    out = tmp_path / 'panels'
    rows = ['a (x)', 'a-x', 'truth', 'gone']
    collect_panels(out, config, dict.fromkeys(rows, submission))
    collect_panels(out, config, {'a-x': submission}, keep=rows[:3])
    titles, panels, _ = read_panels(out, rows)
    assert titles[2:] == rows[:3]
    assert len({len(panel.pictures) for panel in panels}) == 1
    places = json.loads((out / 'panels.json').read_text())['rows']
    assert places == {'a (x)': 'a-x', 'a-x': 'a-x-2', 'truth': 'truth-2'}
    # Pictures of other images cannot stay beside these.
    collect_panels(out, config, {'b': submission}, rows, count=1)
    assert read_panels(out, [*rows, 'b'])[0][2:] == ['b']


def test_a_damaged_panel_file_is_named(tmp_path):
    write_json(tmp_path / 'panels.json', {'class_view': 3})
    with pytest.raises(ValueError, match=r'panels\.json: field'):
        read_panels(tmp_path, [])
    assert read_panels(tmp_path / 'none', []) is None


@pytest.mark.parametrize(
    ('content', 'expected'),
    [({'classes': ['road']}, True), ({'classes': None}, False), ([], False)],
)
def test_an_interrupted_prediction_does_not_count(tmp_path, content, expected):
    assert not is_predicted(tmp_path)
    write_json(tmp_path / 'predictions.json', content)
    assert is_predicted(tmp_path) is expected
