# SPDX-License-Identifier: Apache-2.0
import re
from html.parser import HTMLParser

from mmseg_da.reporting import (
    Column,
    ResultTable,
    Section,
    code,
    facts,
    page,
    score_table,
)

VOID = {'meta', 'img', 'link', 'br', 'input', 'line', 'circle', 'polyline'}


class Outline(HTMLParser):
    """Checks that tags are balanced; collects attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(html: str) -> Outline:
    outline = Outline()
    outline.feed(html)
    outline.close()
    assert outline.open == []
    return outline


def make_page() -> str:
    columns = [Column('mIoU', 'mIoU'), Column('IoU.road', 'road', 'class')]
    rows = [
        {'name': 'floor', 'mIoU': 12.34, 'IoU.road': 25.0},
        {'name': 'ceiling', 'mIoU': 45.6, 'IoU.road': None},
    ]
    table = score_table(ResultTable(columns, rows), {'IoU.road': '#804080'})
    parts = [
        'Plain <b>text</b> & more.',
        table,
        facts({'a<': 1}),
        code('x > y'),
    ]
    return page('Title', 'Lead', [Section('Part', parts, 'part')], 'Foot')


def test_page_is_balanced_and_needs_nothing_else():
    html = make_page()
    outline = parse(html)
    loaded = [v for k, v in outline.attributes if k in ('src', 'href')]
    assert loaded == ['#part']
    assert 'url(' not in html
    assert '@import' not in html
    assert not re.search(r'https?://', html)


def test_text_is_escaped():
    html = make_page()
    assert 'Plain &lt;b&gt;text&lt;/b&gt; &amp; more.' in html
    assert '<dt>a&lt;</dt>' in html
    assert 'x &gt; y' in html


def test_class_cells_are_shaded_by_value_and_sort_by_number():
    html = make_page()
    assert '--heat:0.250' in html
    assert html.count('--heat:0.250') == html.count('style="--heat')
    assert 'data-value="45.6"' in html
    assert 'data-value=""' in html


def test_best_value_of_a_score_is_marked():
    html = make_page()
    assert re.search(r'class="score best" data-value="45.6"', html)
    assert 'class="score" data-value="12.34"' in html
