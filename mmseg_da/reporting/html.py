# SPDX-License-Identifier: Apache-2.0
"""Self-contained HTML pages: no network, no external script or style.

Every function returns escaped markup; a page is a list of sections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .table import ResultTable


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Args:
        title: Its heading.
        parts: Markup in reading order; plain text becomes a paragraph.
        anchor: Target of links, unique in the page.
    """

    title: str
    parts: Sequence[Markup | str]
    anchor: str


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(macro: str, **values: Any) -> Markup:
    """Call a macro of ``templates/blocks.html.j2``."""
    blocks = _environment().get_template('blocks.html.j2').module
    return getattr(blocks, macro)(**values)


def page(
    title: str, lead: str, sections: Sequence[Section], footer: str = ''
) -> str:
    """A whole page.

    Args:
        title: Title and first heading.
        lead: One or two sentences below it.
        sections: The content; also listed as links at the top.
        footer: Small print.

    Returns:
        HTML text for one UTF-8 file.
    """
    template = _environment().get_template('page.html.j2')
    return template.render(
        title=title, lead=lead, sections=sections, footer=footer
    )


def facts(pairs: Mapping[str, Any]) -> Markup:
    """Names and values, e.g. settings or versions."""
    return render('facts', pairs=pairs)


def code(text: str) -> Markup:
    """Commands, with a button that copies them."""
    return render('code', text=text)


def figure_row(figures: Sequence[Markup]) -> Markup:
    """Figures side by side where there is room."""
    return render('figure_row', figures=figures)


def score_table(
    table: ResultTable,
    colors: Mapping[str, str] | None = None,
    best: Mapping[str, float] | None = None,
) -> Markup:
    """A table that sorts by a click on a head.

    Class cells are shaded by their IoU (0 to 100), gains by sign and size
    (up to 20 points).

    Args:
        table: The results.
        colors: CSS colour per column key, shown beside the title.
        best: Value per column key that is bold; by default the highest of
            every score and class column.
    """
    if best is None:
        best = {
            column.key: table.best(column)
            for column in table.columns
            if column.group != 'cost' and not table.is_tied(column)
        }
    return render('score_table', table=table, colors=colors or {}, best=best)


def remarks(lines: Sequence[str]) -> Markup:
    """Short sentences below a table."""
    return render('remarks', lines=lines)


def heading(text: str) -> Markup:
    """A heading inside of a section."""
    return Markup('<h3>{}</h3>').format(text)
