# SPDX-License-Identifier: Apache-2.0
"""Matplotlib figures as part of a page, in the page's colours."""

from __future__ import annotations

import io
import re

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from .html import render

# Stand-ins for the page's CSS colours, which follow its light or dark theme.
_STAND_IN = '#abcd{:02x}'
_NAMED = {'ink': 0xF0, 'soft': 0xF1, 'edge': 0xF2, 'card': 0xF3}
_STYLE = {
    'font.family': 'sans-serif',
    'font.size': 9,
    'svg.fonttype': 'none',
    'axes.spines.top': False,
    'axes.spines.right': False,
}


def theme_color(name: str | int) -> str:
    """Colour for Matplotlib that becomes one of the page's.

    Args:
        name: 'ink', 'soft', 'edge', 'card', or the number of a line colour,
            counted modulo 10.
    """
    if isinstance(name, int):
        return _STAND_IN.format(name % 10)
    return _STAND_IN.format(_NAMED[name])


def new_figure(width: float, height: float) -> Figure:
    """A figure with axes in the page's style; sizes in inches."""
    colors = {
        'text.color': theme_color('soft'),
        'axes.edgecolor': theme_color('edge'),
        'axes.labelcolor': theme_color('soft'),
        'xtick.color': theme_color('soft'),
        'ytick.color': theme_color('soft'),
        'grid.color': theme_color('edge'),
    }
    with matplotlib.rc_context({**_STYLE, **colors}):
        figure = Figure(figsize=(width, height), layout='constrained')
        figure.subplots()
    return figure


def svg_figure(
    figure: Figure, title: str, note: str = '', salt: str = ''
) -> Markup:
    """Draw a figure as inline SVG without any outside reference.

    The same figure always gives the same text.

    Args:
        figure: Figure of :func:`new_figure`.
        title: Title above it.
        note: Sentence below it.
        salt: Different for every figure of a page that has the same title.
    """
    stream = io.StringIO()
    nothing = dict.fromkeys(('Date', 'Creator', 'Format', 'Type'))
    with matplotlib.rc_context({**_STYLE, 'svg.hashsalt': title + salt}):
        figure.savefig(
            stream, format='svg', transparent=True, metadata=nothing
        )
    text = stream.getvalue()
    text = text[text.index('<svg') :]
    text = re.sub(r'<(metadata|style).*?</\1>', '', text, flags=re.DOTALL)
    head, _, rest = text.partition('>')
    head = re.sub(r' (xmlns(:\w+)?|version|width|height)="[^"]*"', '', head)
    text = f'{head}>{rest}'
    text = re.sub(r'<g id="[^"]*"', '<g', text)
    text = re.sub(r'#abcd([0-9a-f]{2})', _css, text)
    return render('svg_figure', title=title, svg=Markup(text), note=note)


def _css(match: re.Match[str]) -> str:
    number = int(match.group(1), 16)
    names = {value: name for name, value in _NAMED.items()}
    return f'var(--{names.get(number, f"c{number}")})'
